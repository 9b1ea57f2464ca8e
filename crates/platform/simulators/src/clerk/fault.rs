//! What can go wrong at Clerk, on demand.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

/// What is asked of the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// `GET /.well-known/jwks.json`.
    Jwks,
    /// `GET /v1/users/{id}`.
    GetUser,
    /// `POST /v1/invitations`.
    CreateInvitation,
    /// `GET /v1/invitations`.
    ListInvitations,
    /// `POST /v1/invitations/{id}/revoke`.
    RevokeInvitation,
}

/// What happens instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nothing is done; this is the answer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// It is done, and this is the answer.
    DoThenAnswer {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// Nothing is done, and no answer comes for so long; then the connection breaks.
    Hang {
        /// How long.
        millis: u64,
    },
    /// It is done, and no answer comes for so long; then the connection breaks.
    DoThenHang {
        /// How long.
        millis: u64,
    },
    /// Nothing is done and the connection breaks.
    Reset,
    /// It is done and the connection breaks.
    DoThenReset,
}

/// The faults that are set.
#[derive(Debug, Default)]
pub(super) struct Faults {
    next: HashMap<Endpoint, VecDeque<Fault>>,
    always: HashMap<Endpoint, Fault>,
}

impl Faults {
    /// For one request, after those that are set already.
    pub(super) fn add_next(&mut self, endpoint: Endpoint, fault: Fault) {
        self.next.entry(endpoint).or_default().push_back(fault);
    }

    /// For every request until it is taken back.
    pub(super) fn set_always(&mut self, endpoint: Endpoint, fault: Fault) {
        self.always.insert(endpoint, fault);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The fault of the request that has come.
    pub(super) fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let next = self.next.get_mut(&endpoint).and_then(VecDeque::pop_front);
        next.or_else(|| self.always.get(&endpoint).cloned())
    }
}
