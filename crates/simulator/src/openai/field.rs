use serde_json::{Map, Value};

use super::ApiError;

/// A value of a body and its place there, in the API's notation: `messages[0].content`.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    place: String,
    value: &'a Value,
}

impl<'a> Field<'a> {
    pub(super) const fn root(body: &'a Value) -> Self {
        Self {
            place: String::new(),
            value: body,
        }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) const fn value(&self) -> &'a Value {
        self.value
    }

    pub(super) fn is_null(&self) -> bool {
        self.value.is_null()
    }

    /// The place of a field of this one, whether there is one or not.
    pub(super) fn place_of(&self, name: &str) -> String {
        if self.place.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.place)
        }
    }

    /// The field of this name, null or not.
    pub(super) fn given(&self, name: &str) -> Option<Self> {
        self.value.get(name).map(|value| Self {
            place: self.place_of(name),
            value,
        })
    }

    /// The field of this name, where null means as much as nothing.
    pub(super) fn find(&self, name: &str) -> Option<Self> {
        self.given(name).filter(|field| !field.is_null())
    }

    pub(super) fn need(&self, name: &str) -> Result<Self, ApiError> {
        self.given(name).ok_or_else(|| {
            let place = self.place_of(name);
            ApiError::invalid(format!("Missing required parameter: '{place}'."))
                .at(place)
                .code("missing_required_parameter")
        })
    }

    /// Refuses fields of other names.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), ApiError> {
        let names = self.value.as_object().into_iter().flat_map(Map::keys);
        for name in names {
            if !known.contains(&name.as_str()) {
                let place = self.place_of(name);
                return Err(ApiError::invalid(format!("Unknown parameter: '{place}'."))
                    .at(place)
                    .code("unknown_parameter"));
            }
        }
        Ok(())
    }

    pub(super) fn text(&self) -> Result<&'a str, ApiError> {
        self.value.as_str().ok_or_else(|| self.mistyped("a string"))
    }

    pub(super) fn flag(&self) -> Result<bool, ApiError> {
        self.value.as_bool().ok_or_else(|| self.mistyped("a boolean"))
    }

    pub(super) fn object(&self) -> Result<&'a Map<String, Value>, ApiError> {
        self.value.as_object().ok_or_else(|| self.mistyped("an object"))
    }

    /// The items of a list of `what`, such as `objects`.
    pub(super) fn items(&self, what: &str) -> Result<Vec<Self>, ApiError> {
        let list = self
            .value
            .as_array()
            .ok_or_else(|| self.mistyped(&format!("an array of {what}")))?;
        let item = |(at, value): (usize, &'a Value)| Self {
            place: format!("{}[{at}]", self.place),
            value,
        };
        Ok(list.iter().enumerate().map(item).collect())
    }

    /// Text of at most so many characters.
    pub(super) fn text_up_to(&self, limit: usize) -> Result<&'a str, ApiError> {
        let text = self.text()?;
        let length = text.chars().count();
        if length > limit {
            return Err(self.bad(
                "string_above_max_length",
                &format!(
                    "string too long. Expected a string with maximum length {limit}, but got a string with length \
                     {length} instead."
                ),
            ));
        }
        Ok(text)
    }

    /// The name of a tool or of a schema.
    pub(super) fn name(&self, limit: usize) -> Result<&'a str, ApiError> {
        let name = self.text()?;
        if name.is_empty() {
            return Err(self.bad(
                "empty_string",
                "empty string. Expected a string with minimum length 1, but got an empty string instead.",
            ));
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !name.bytes().all(fits) {
            return Err(self.bad(
                "invalid_value",
                "string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
            ));
        }
        self.text_up_to(limit)
    }

    pub(super) fn integer(&self, low: i64, high: i64) -> Result<i64, ApiError> {
        let number = self.value.as_i64().ok_or_else(|| self.mistyped("an integer"))?;
        if number < low {
            return Err(self.bad(
                "integer_below_min_value",
                &format!("integer below minimum value. Expected a value >= {low}, but got {number} instead."),
            ));
        }
        if number > high {
            return Err(self.bad(
                "integer_above_max_value",
                &format!(
                    "integer above maximum value. Expected a value <= {high}, but got {number} instead."
                ),
            ));
        }
        Ok(number)
    }

    pub(super) fn decimal(&self, low: f64, high: f64) -> Result<f64, ApiError> {
        let number = self.value.as_f64().ok_or_else(|| self.mistyped("a decimal"))?;
        if number < low {
            return Err(self.bad(
                "decimal_below_min_value",
                &format!("decimal below minimum value. Expected a value >= {low}, but got {number} instead."),
            ));
        }
        if number > high {
            return Err(self.bad(
                "decimal_above_max_value",
                &format!(
                    "decimal above maximum value. Expected a value <= {high}, but got {number} instead."
                ),
            ));
        }
        Ok(number)
    }

    pub(super) fn one_of(&self, choices: &[&str]) -> Result<&'a str, ApiError> {
        let text = self.text()?;
        if choices.contains(&text) {
            return Ok(text);
        }
        let message = format!(
            "Invalid value: '{text}'. Supported values are: {}.",
            listed(choices)
        );
        Err(ApiError::invalid(message)
            .at(self.place.clone())
            .code("invalid_value"))
    }

    pub(super) fn at_most(&self, items: &[Self], limit: usize) -> Result<(), ApiError> {
        if items.len() > limit {
            return Err(self.bad(
                "array_above_max_length",
                &format!(
                    "array too long. Expected an array with maximum length {limit}, but got an array with length {} \
                     instead.",
                    items.len()
                ),
            ));
        }
        Ok(())
    }

    pub(super) fn not_empty(&self, items: &[Self]) -> Result<(), ApiError> {
        if items.is_empty() {
            return Err(self.bad(
                "empty_array",
                "empty array. Expected an array with minimum length 1, but got an empty array instead.",
            ));
        }
        Ok(())
    }

    /// The refusal of a value that has the right type and is wrong all the same.
    pub(super) fn bad(&self, code: &str, what: &str) -> ApiError {
        ApiError::invalid(format!("Invalid '{}': {what}", self.place))
            .at(self.place.clone())
            .code(code)
    }

    pub(super) fn mistyped(&self, expected: &str) -> ApiError {
        let got = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(number) if number.is_f64() => "a decimal number",
            Value::Number(_) => "an integer",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        let message = format!(
            "Invalid type for '{}': expected {expected}, but got {got} instead.",
            self.place
        );
        ApiError::invalid(message)
            .at(self.place.clone())
            .code("invalid_type")
    }
}

/// `'a', 'b', and 'c'`.
pub(super) fn listed(choices: &[&str]) -> String {
    let quoted: Vec<String> = choices.iter().map(|choice| format!("'{choice}'")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first, second] => format!("{first} and {second}"),
        [most @ .., last] => format!("{}, and {last}", most.join(", ")),
    }
}
