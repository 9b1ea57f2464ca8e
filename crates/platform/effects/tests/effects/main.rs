//! The effects engine on a real Postgres, against a provider that misbehaves as told and keeps its own ledger.

#[cfg(test)]
mod deaths;
#[cfg(test)]
mod house;
#[cfg(test)]
mod order;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod pauses;
#[cfg(test)]
mod pressure;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod races;
#[cfg(test)]
mod review;
