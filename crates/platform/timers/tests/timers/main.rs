//! Timers on a real Postgres: fired once, whatever moves, fails or dies meanwhile.

#[cfg(test)]
mod again;
#[cfg(test)]
mod deaths;
#[cfg(test)]
mod failing;
#[cfg(test)]
mod firing;
#[cfg(test)]
mod house;
#[cfg(test)]
mod races;
