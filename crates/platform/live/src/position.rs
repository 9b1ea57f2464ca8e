use std::{fmt, str::FromStr};

/// Where an event stands in its business's order: the transaction that published it, then its number. Written
/// `xid.seq`, which is the stream's event id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub(crate) xid: i64,
    pub(crate) seq: i64,
}

impl Position {
    /// Before every event.
    pub(crate) const START: Self = Self { xid: 0, seq: 0 };
    /// After every event.
    pub(crate) const END: Self = Self { xid: i64::MAX, seq: i64::MAX };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.xid, self.seq)
    }
}

/// The text is not `xid.seq`.
#[derive(Debug, PartialEq, Eq)]
pub struct NoPosition;

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let number = |digits: &str| {
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<i64>().ok().filter(|_| is_number).ok_or(NoPosition)
        };
        let (xid, seq) = text.split_once('.').ok_or(NoPosition)?;
        Ok(Self { xid: number(xid)?, seq: number(seq)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_as_it_is_written_and_in_no_other_way() {
        let position = Position { xid: 812, seq: 44 };
        assert_eq!(position.to_string(), "812.44");
        assert_eq!("812.44".parse(), Ok(position));
        for wrong in
            ["", ".", "812", "812.", ".44", "812.44.1", "+812.44", "812.-1", " 812.44", "9223372036854775808.1"]
        {
            assert_eq!(wrong.parse::<Position>(), Err(NoPosition), "{wrong:?}");
        }
    }

    #[test]
    fn the_transaction_comes_before_the_number() {
        let at = |xid, seq| Position { xid, seq };
        assert!(Position::START < at(1, 1) && at(1, 9) < at(2, 1) && at(2, 1) < at(2, 2) && at(2, 2) < Position::END);
    }
}
