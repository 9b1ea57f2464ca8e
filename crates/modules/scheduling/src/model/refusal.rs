/// Why a timeslot cannot be held, in the order in which it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// It would have begun already.
    #[error("the timeslot is in the past")]
    Past,
    /// It begins before the minimum notice is over.
    #[error("the timeslot begins too soon")]
    TooSoon,
    /// It begins after the horizon.
    #[error("the timeslot is too far ahead")]
    TooFar,
    /// It does not begin on a quarter of an hour of local time.
    #[error("the timeslot does not begin on a quarter of an hour")]
    NotAligned,
    /// Part of it is outside of the hours.
    #[error("the timeslot is outside of the resource's hours")]
    OutsideHours,
    /// It would be in the hours, were it not for a holiday.
    #[error("the timeslot is on a holiday")]
    Holiday,
    /// It, or a buffer of its, meets time off.
    #[error("the resource is away")]
    TimeOff,
    /// It, or a buffer of its, meets what is in another calendar.
    #[error("the resource's calendar has something else")]
    External,
    /// It meets what is blocked for an appointment or a live hold.
    #[error("the timeslot is taken")]
    Taken,
    /// Only its buffers meet what is blocked for an appointment or a live hold.
    #[error("the timeslot is too close to another appointment")]
    Buffer,
}

impl Refusal {
    /// What the API calls it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Past => "in_the_past",
            Self::TooSoon => "minimum_notice",
            Self::TooFar => "beyond_horizon",
            Self::NotAligned => "slot_not_aligned",
            Self::OutsideHours => "outside_hours",
            Self::Holiday => "holiday",
            Self::TimeOff => "time_off",
            Self::External => "external_busy",
            Self::Taken => "slot_taken",
            Self::Buffer => "buffer_conflict",
        }
    }
}
