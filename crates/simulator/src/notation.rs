use std::str::FromStr;

use crate::{Fault, Point, Script};

/// The text is not a script; the list of those that are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a fault: expected a status such as 529 or 429, reset, hang-up or stall (with :before-head, :in-head, :N for \
     after N events or :in-N for in the middle of the next), end:N, error:N or error:N:TYPE, garbage:N, slow-read:BYTES, \
     long-length:BYTES, huge:BYTES, gzip or one-byte"
)]
pub struct InvalidScript;

/// Scripts in a word or two, for command lines: `529`, `stall:3`, `error:2:overloaded_error`.
///
/// ```
/// use gateway_simulator::Script;
///
/// let script: Script = "reset:in-4".parse()?;
/// assert!("resett".parse::<Script>().is_err());
/// # Ok::<(), gateway_simulator::InvalidScript>(())
/// ```
impl FromStr for Script {
    type Err = InvalidScript;

    fn from_str(text: &str) -> Result<Self, InvalidScript> {
        if let Ok(status) = text.parse() {
            return if (400..600).contains(&status) {
                Ok(Self::status(status))
            } else {
                Err(InvalidScript)
            };
        }
        text.parse().map(|fault| Self::new().fault(fault))
    }
}

impl FromStr for Fault {
    type Err = InvalidScript;

    fn from_str(text: &str) -> Result<Self, InvalidScript> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let number = || rest.parse::<usize>().map_err(|_| InvalidScript);
        match name {
            "reset" => Ok(Self::Reset(rest.parse()?)),
            "hang-up" => Ok(Self::HangUp(rest.parse()?)),
            "stall" => Ok(Self::Stall(rest.parse()?)),
            "end" => Ok(Self::EndAfter(number()?)),
            "garbage" => Ok(Self::Garbage(number()?)),
            "huge" => Ok(Self::Huge(number()?)),
            "long-length" => Ok(Self::LongContentLength(number()?)),
            "slow-read" => Ok(Self::SlowRead {
                bytes: number()?,
                pause_ms: 10,
            }),
            "error" => {
                let (after, kind) = rest.split_once(':').unwrap_or((rest, "overloaded_error"));
                Ok(Self::ErrorEvent {
                    after: after.parse().map_err(|_| InvalidScript)?,
                    kind: kind.to_owned(),
                })
            }
            "gzip" if rest.is_empty() => Ok(Self::Gzip),
            "one-byte" if rest.is_empty() => Ok(Self::OneByteChunks),
            _ => Err(InvalidScript),
        }
    }
}

impl FromStr for Point {
    type Err = InvalidScript;

    fn from_str(text: &str) -> Result<Self, InvalidScript> {
        let number = |digits: &str| digits.parse().map_err(|_| InvalidScript);
        match text {
            "before-head" => Ok(Self::BeforeHead),
            "in-head" => Ok(Self::InHead),
            text => match text.strip_prefix("in-") {
                Some(digits) => number(digits).map(Self::InEvent),
                None => number(text).map(Self::AfterEvents),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Fault, Point, Script};

    #[test]
    fn every_fault_has_a_notation() {
        let faults = [
            ("reset:before-head", Fault::Reset(Point::BeforeHead)),
            ("hang-up:in-head", Fault::HangUp(Point::InHead)),
            ("stall:3", Fault::Stall(Point::AfterEvents(3))),
            ("reset:in-4", Fault::Reset(Point::InEvent(4))),
            ("end:0", Fault::EndAfter(0)),
            ("garbage:2", Fault::Garbage(2)),
            ("huge:1048576", Fault::Huge(1_048_576)),
            ("long-length:10", Fault::LongContentLength(10)),
            ("gzip", Fault::Gzip),
            ("one-byte", Fault::OneByteChunks),
        ];
        for (text, fault) in faults {
            assert_eq!(text.parse(), Ok(fault), "{text}");
        }
        let error: Fault = "error:1:api_error".parse().unwrap();
        assert_eq!(
            error,
            Fault::ErrorEvent {
                after: 1,
                kind: "api_error".to_owned()
            }
        );
    }

    #[test]
    fn what_is_no_fault_is_refused() {
        for text in [
            "",
            "200",
            "600",
            "reset",
            "reset:",
            "stall:in-",
            "gzip:1",
            "end",
            "error:x",
            "-1",
        ] {
            assert!(text.parse::<Script>().is_err(), "{text}");
        }
    }
}
