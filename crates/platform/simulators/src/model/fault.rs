//! What can go wrong with a model, on demand.

use std::collections::VecDeque;

/// What happens instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This status with an error in OpenAI's form.
    Status(u16),
    /// The answer, but only after so many milliseconds.
    Slow(u64),
    /// The head at once, then a byte of the answer now and then, for ever.
    Drip,
    /// The connection breaks.
    Reset,
    /// Bytes that are no JSON.
    Garbage,
    /// A completion that breaks off in its middle, as if it were whole.
    Truncated,
    /// A completion whose words break off, for want of tokens.
    CutShort,
    /// JSON of another schema in the completion.
    OtherSchema,
    /// Words that are no JSON in the completion.
    Prose,
    /// More than anybody reads.
    Huge,
    /// A tool is wanted.
    ToolCalls,
    /// The model refuses.
    Refusal,
    /// No choices.
    NoChoices,
    /// The answer as some compatible servers write it: in parts, in code fences, with an unknown reason for its end and
    /// no usage.
    Compatible,
}

impl Fault {
    /// Every fault, the numbers as they happen.
    pub const ALL: [Self; 16] = [
        Self::Status(400),
        Self::Status(429),
        Self::Status(500),
        Self::Slow(4_000),
        Self::Drip,
        Self::Reset,
        Self::Garbage,
        Self::Truncated,
        Self::CutShort,
        Self::OtherSchema,
        Self::Prose,
        Self::Huge,
        Self::ToolCalls,
        Self::Refusal,
        Self::NoChoices,
        Self::Compatible,
    ];
}

/// The faults that are set.
#[derive(Debug, Default)]
pub(super) struct Faults {
    next: VecDeque<Fault>,
    always: Option<Fault>,
}

impl Faults {
    pub(super) fn add_next(&mut self, fault: Fault) {
        self.next.push_back(fault);
    }

    pub(super) fn set_always(&mut self, fault: Fault) {
        self.always = Some(fault);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The fault of the question that has come.
    pub(super) fn take(&mut self) -> Option<Fault> {
        self.next.pop_front().or(self.always)
    }
}
