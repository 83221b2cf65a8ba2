use crate::peeking::{Expected, Flaw, Problem};

/// OpenAI's own sentences for what is wrong with a body.
pub(super) fn wording(problem: Problem<'_>) -> String {
    const UNREADABLE: &str = "We could not parse the JSON body of your request";
    match problem {
        Problem::NotUtf8(at) => format!("{UNREADABLE}: invalid UTF-8 at byte {at}."),
        Problem::NotJson(error) => format!("{UNREADABLE}: {error}."),
        Problem::Field(field, Flaw::GivenTwice) => {
            format!("Duplicate parameter: '{field}'. It may be given only once.")
        }
        Problem::Field(field, Flaw::Missing) => format!("Missing required parameter: '{field}'."),
        Problem::Field(field, Flaw::Empty) => {
            format!("Invalid '{field}': empty string. Expected a string with minimum length 1.")
        }
        Problem::Field(field, Flaw::TooLong(most)) => {
            format!("Invalid '{field}': string too long. Expected a string with maximum length {most}.")
        }
        Problem::Field(field, Flaw::Not(expected)) => {
            let expected = match expected {
                Expected::Text => "a string",
                Expected::Boolean => "a boolean",
                Expected::WholeNumber => "a non-negative integer",
                Expected::Object => "an object",
            };
            format!("Invalid type for '{field}': expected {expected}.")
        }
    }
}
