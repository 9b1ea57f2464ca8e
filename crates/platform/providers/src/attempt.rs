//! What is known of one attempt to change something at a provider, when its answer is no answer.

/// Why an attempt surely did not leave: it may be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotSent {
    /// No connection was made: refused, no address, TLS, connect time-out.
    NoConnection,
    /// The request could not even be built.
    BadRequest,
    /// Too many requests: the provider says it took nothing.
    RateLimited,
}

/// Why an attempt's result is not known: to be found out before it is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unknown {
    /// No answer in time.
    TimedOut,
    /// The connection broke after the request may have gone out.
    ConnectionLost,
    /// A 5xx: advice to repeat it does not hold for what must happen once.
    ServerError(u16),
    /// A success without a readable id.
    UnreadableAnswer,
    /// Neither success, refusal nor server error: a redirect, from something that is not the provider's API.
    UnexpectedStatus(u16),
}

/// What an attempt without a status line proves.
pub(crate) enum Failure {
    NotSent(NotSent),
    Unknown(Unknown),
}

impl Failure {
    /// Only a failure to connect proves that nothing left; a time-out in the same moment counts as such only when it is
    /// the connection's own.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        if error.is_builder() {
            Self::NotSent(NotSent::BadRequest)
        } else if error.is_connect() {
            Self::NotSent(NotSent::NoConnection)
        } else if error.is_timeout() {
            Self::Unknown(Unknown::TimedOut)
        } else {
            Self::Unknown(Unknown::ConnectionLost)
        }
    }
}
