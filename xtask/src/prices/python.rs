//! Python's literals and calls with keywords, as far as generated data has them.

use serde_json::{Map, Value};

use crate::Result;

/// Reads an expression into JSON: a call becomes an object of its keywords, `Decimal('5')` the text `5`, a date the text
/// of it. A keyword that ends in `_` loses it.
///
/// # Errors
///
/// Anything else.
pub(crate) fn parse(text: &str) -> Result<Value> {
    let mut reader = Reader { rest: text };
    reader.value()
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Result<Value> {
        self.skip_space();
        match self.rest.chars().next() {
            Some('[') => self.items('[', ']').map(Value::Array),
            Some('(') => {
                let mut items = self.items('(', ')')?;
                // Only put around it, unless there are several.
                Ok(if items.len() == 1 {
                    items.remove(0)
                } else {
                    Value::Array(items)
                })
            }
            Some('{') => self.object(),
            Some('\'' | '"') => self.texts(),
            Some(digit) if digit.is_ascii_digit() || digit == '-' => self.number(),
            _ => self.named(),
        }
    }

    fn items(&mut self, open: char, close: char) -> Result<Vec<Value>> {
        self.expect(open)?;
        let mut items = Vec::new();
        while !self.takes(close) {
            items.push(self.value()?);
            if !self.takes(',') {
                self.expect(close)?;
                break;
            }
        }
        Ok(items)
    }

    fn object(&mut self) -> Result<Value> {
        self.expect('{')?;
        let mut object = Map::new();
        while !self.takes('}') {
            let Value::String(key) = self.value()? else {
                return Err(self.unexpected("a text for a key"));
            };
            self.expect(':')?;
            object.insert(key, self.value()?);
            if !self.takes(',') {
                self.expect('}')?;
                break;
            }
        }
        Ok(Value::Object(object))
    }

    /// Texts that stand side by side are one.
    fn texts(&mut self) -> Result<Value> {
        let mut whole = String::new();
        loop {
            self.skip_space();
            let Some(quote @ ('\'' | '"')) = self.rest.chars().next() else {
                return Ok(Value::String(whole));
            };
            self.rest = &self.rest[1..];
            let mut chars = self.rest.char_indices();
            loop {
                let (at, char) = chars.next().ok_or("a text without an end")?;
                match char {
                    _ if char == quote => {
                        self.rest = &self.rest[at + 1..];
                        break;
                    }
                    '\\' => {
                        let (_, escaped) = chars.next().ok_or("a text without an end")?;
                        whole.push(match escaped {
                            'n' => '\n',
                            't' => '\t',
                            '\\' | '\'' | '"' => escaped,
                            _ => return Err(format!("an escape that is not known: \\{escaped}").into()),
                        });
                    }
                    _ => whole.push(char),
                }
            }
        }
    }

    fn number(&mut self) -> Result<Value> {
        let number = self.word(|char| char.is_ascii_digit() || matches!(char, '-' | '_' | '.' | 'e'));
        Ok(serde_json::from_str(&number.replace('_', ""))?)
    }

    fn named(&mut self) -> Result<Value> {
        let name = self.word(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '.'));
        match name {
            "None" => Ok(Value::Null),
            "True" => Ok(Value::Bool(true)),
            "False" => Ok(Value::Bool(false)),
            "" => Err(self.unexpected("a value")),
            "Decimal" => match self.items('(', ')')?.as_slice() {
                [amount @ Value::String(_)] => Ok(amount.clone()),
                _ => Err(self.unexpected("an amount as a text")),
            },
            "datetime.date" => match self.items('(', ')')?.as_slice() {
                [year, month, day] => {
                    let (month, day) = (month.to_string(), day.to_string());
                    Ok(Value::String(format!("{year}-{month:0>2}-{day:0>2}")))
                }
                _ => Err(self.unexpected("a year, a month and a day")),
            },
            // Nothing is made of a time of the day.
            "datetime.time" => {
                self.expect('(')?;
                let arguments = self.word(|char| char != ')').to_owned();
                self.expect(')')?;
                Ok(Value::String(arguments))
            }
            _ => self.call(),
        }
    }

    fn call(&mut self) -> Result<Value> {
        self.expect('(')?;
        let mut object = Map::new();
        while !self.takes(')') {
            self.skip_space();
            let key = self.word(|char| char.is_ascii_alphanumeric() || char == '_');
            let key = key.trim_end_matches('_').to_owned();
            self.expect('=')?;
            object.insert(key, self.value()?);
            if !self.takes(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(Value::Object(object))
    }

    fn word(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|char| !belongs(char)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn takes(&mut self, char: char) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(char);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, char: char) -> Result<()> {
        if self.takes(char) {
            Ok(())
        } else {
            Err(self.unexpected(&char.to_string()))
        }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
        while let Some(comment) = self.rest.strip_prefix('#') {
            self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
        }
    }

    fn unexpected(&self, expected: &str) -> Box<dyn std::error::Error> {
        let here: String = self.rest.chars().take(40).collect();
        format!("expected {expected} at {here:?}").into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn generated_data_is_read() {
        let text = r#"[
            # A comment.
            Model(id='a"b', rules=ClauseOr(or_=[Starts(starts_with="it's")]), many=1_000, none=None, deprecated=True,
                price=Decimal('0.30'), start=datetime.date(2026, 3, 13), time=datetime.time(0, 30, tzinfo=datetime.UTC),
                names=('one ' 'text'), map={'speed': 'fast'}, regex='^a\\.b$',),
        ]
        more = 1"#;
        assert_eq!(
            parse(text).unwrap(),
            json!([{
                "id": "a\"b", "rules": {"or": [{"starts_with": "it's"}]}, "many": 1000, "none": null,
                "deprecated": true, "price": "0.30", "start": "2026-03-13", "time": "0, 30, tzinfo=datetime.UTC", "names": "one text",
                "map": {"speed": "fast"}, "regex": "^a\\.b$",
            }])
        );
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for text in ["", "[1", "'open", "f(1)", "Decimal(1.5)", "{1: 2}", r"'\x41'"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
