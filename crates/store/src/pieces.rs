//! How a range of time is put together from roll-ups and, at its ragged ends, from rows.

use gateway_domain::Timestamp;

use crate::usage::Bucket;

/// A part of a range of time, and what it is added up from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) source: PieceSource,
    /// The first moment.
    pub(crate) from: Timestamp,
    /// The first moment after.
    pub(crate) to: Timestamp,
}

/// What is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PieceSource {
    Rows,
    Cells(Span),
}

/// How much time a roll-up covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Span {
    Hour,
    Day,
}

impl Span {
    pub(crate) const ALL: [Self; 2] = [Self::Hour, Self::Day];

    pub(crate) const fn bucket(self) -> Bucket {
        match self {
            Self::Hour => Bucket::Hour,
            Self::Day => Bucket::Day,
        }
    }

    /// The first whole span that does not begin before `time`.
    pub(crate) fn next_start(self, time: Timestamp) -> Timestamp {
        let start = self.bucket().start(time);
        if start == time {
            start
        } else {
            start + self.bucket().width()
        }
    }
}

/// A range of time that usage is added up over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    /// Nothing is recorded later than this moment, so that a range which goes beyond has no ragged end.
    pub(crate) now: Timestamp,
    /// A midnight, before which rows may be deleted: there, whole hours take the place of ragged ends.
    pub(crate) rows_from: Option<Timestamp>,
}

impl Range {
    /// The pieces that together are the range, none of which is longer than `finest`.
    pub(crate) fn pieces(self, finest: Bucket) -> Vec<Piece> {
        if self.from >= self.to {
            return Vec::new();
        }
        let rows_from = self.rows_from.unwrap_or(Timestamp::from_micros(i64::MIN));
        let longest = match finest {
            Bucket::Minute | Bucket::Hour => Span::Hour,
            Bucket::Day => Span::Day,
        };
        let first = if self.from < rows_from {
            Bucket::Hour.start(self.from)
        } else {
            Span::Hour.next_start(self.from)
        };
        let last = if finest == Bucket::Minute {
            Span::Hour.next_start(self.to).min(rows_from)
        } else if self.to > self.now {
            longest.next_start(self.to)
        } else if self.to <= rows_from {
            Span::Hour.next_start(self.to)
        } else {
            Bucket::Hour.start(self.to)
        };
        let mut pieces = Vec::new();
        let mut push = |source, from, to| {
            if from < to {
                pieces.push(Piece { source, from, to });
            }
        };
        if first >= last {
            push(PieceSource::Rows, self.from, self.to);
            return pieces;
        }
        push(PieceSource::Rows, self.from, first);
        let (first_day, last_day) = (Span::Day.next_start(first), Bucket::Day.start(last));
        let hours = PieceSource::Cells(Span::Hour);
        if longest == Span::Day && first_day < last_day {
            push(hours, first, first_day);
            push(PieceSource::Cells(Span::Day), first_day, last_day);
            push(hours, last_day, last);
        } else {
            push(hours, first, last);
        }
        push(PieceSource::Rows, last, self.to);
        pieces
    }
}

#[cfg(test)]
mod tests {
    use gateway_domain::Timestamp;

    use super::{PieceSource, Range, Span};
    use crate::usage::Bucket;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap_or_default()
    }

    fn pieces(from: &str, to: &str, rows_from: Option<&str>, finest: Bucket) -> Vec<String> {
        let range = Range {
            from: time(from),
            to: time(to),
            now: time("2026-03-05T10:20:00Z"),
            rows_from: rows_from.map(time),
        };
        let shown = range.pieces(finest).into_iter().map(|piece| {
            let source = match piece.source {
                PieceSource::Rows => "rows",
                PieceSource::Cells(Span::Hour) => "hours",
                PieceSource::Cells(Span::Day) => "days",
            };
            let clock = |time: Timestamp| time.to_string()[8..16].replace('T', " ");
            format!("{source} {} to {}", clock(piece.from), clock(piece.to))
        });
        shown.collect()
    }

    #[test]
    fn ragged_ends_are_rows_and_the_rest_as_coarse_as_can_be() {
        let of = |finest| pieces("2026-03-01T21:30:00Z", "2026-03-04T02:15:00Z", None, finest);
        assert_eq!(
            of(Bucket::Day),
            [
                "rows 01 21:30 to 01 22:00",
                "hours 01 22:00 to 02 00:00",
                "days 02 00:00 to 04 00:00",
                "hours 04 00:00 to 04 02:00",
                "rows 04 02:00 to 04 02:15",
            ]
        );
        assert_eq!(
            of(Bucket::Hour),
            [
                "rows 01 21:30 to 01 22:00",
                "hours 01 22:00 to 04 02:00",
                "rows 04 02:00 to 04 02:15",
            ]
        );
        assert_eq!(of(Bucket::Minute), ["rows 01 21:30 to 04 02:15"]);
    }

    #[test]
    fn short_ranges_are_rows_and_empty_ones_nothing() {
        let of = |from, to| pieces(from, to, None, Bucket::Day);
        assert_eq!(
            of("2026-03-01T21:30:00Z", "2026-03-01T21:45:00Z"),
            ["rows 01 21:30 to 01 21:45"]
        );
        assert_eq!(
            of("2026-03-01T21:30:00Z", "2026-03-01T22:45:00Z"),
            ["rows 01 21:30 to 01 22:45"]
        );
        assert_eq!(
            of("2026-03-01T21:00:00Z", "2026-03-01T22:00:00Z"),
            ["hours 01 21:00 to 01 22:00"]
        );
        assert_eq!(of("2026-03-01T21:00:00Z", "2026-03-01T21:00:00Z"), [""; 0]);
        assert_eq!(of("2026-03-02T21:00:00Z", "2026-03-01T21:00:00Z"), [""; 0]);
    }

    #[test]
    fn what_goes_on_until_now_has_no_ragged_end() {
        let of = |finest| pieces("2026-03-04T00:00:00Z", "2026-03-05T10:20:01Z", None, finest);
        assert_eq!(of(Bucket::Day), ["days 04 00:00 to 06 00:00"]);
        assert_eq!(of(Bucket::Hour), ["hours 04 00:00 to 05 11:00"]);
        assert_eq!(of(Bucket::Minute), ["rows 04 00:00 to 05 10:20"]);
    }

    #[test]
    fn where_rows_are_deleted_whole_hours_take_their_place() {
        let of = |from, to, finest| pieces(from, to, Some("2026-03-03T00:00:00Z"), finest);
        assert_eq!(
            of("2026-03-01T21:30:00Z", "2026-03-04T02:15:00Z", Bucket::Minute),
            ["hours 01 21:00 to 03 00:00", "rows 03 00:00 to 04 02:15"]
        );
        assert_eq!(
            of("2026-03-01T21:30:00Z", "2026-03-01T21:45:00Z", Bucket::Day),
            ["hours 01 21:00 to 01 22:00"]
        );
        assert_eq!(
            of("2026-03-01T21:30:00Z", "2026-03-01T21:45:00Z", Bucket::Minute),
            ["hours 01 21:00 to 01 22:00"]
        );
        assert_eq!(
            of("2026-03-02T23:30:00Z", "2026-03-03T00:30:00Z", Bucket::Day),
            ["hours 02 23:00 to 03 00:00", "rows 03 00:00 to 03 00:30"]
        );
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        let range = Range {
            from: Timestamp::from_micros(i64::MIN),
            to: Timestamp::from_micros(i64::MAX),
            now: time("2026-03-05T10:20:00Z"),
            rows_from: None,
        };
        for finest in Bucket::ALL {
            let pieces = range.pieces(finest);
            assert_eq!(pieces.first().map(|piece| piece.from), Some(range.from));
            assert_eq!(pieces.last().map(|piece| piece.to), Some(range.to));
        }
    }
}
