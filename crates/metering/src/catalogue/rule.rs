use regex::Regex;
use serde::Deserialize;

/// Which model names an entry of the price list stands for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "WrittenRule")]
pub(super) enum Rule {
    Or(Vec<Rule>),
    And(Vec<Rule>),
    Equals(String),
    StartsWith(String),
    EndsWith(String),
    Contains(String),
    Regex(Box<Regex>),
    NotRegex(Box<Regex>),
}

impl Rule {
    pub(super) fn matches(&self, model: &str) -> bool {
        match self {
            Self::Or(rules) => rules.iter().any(|rule| rule.matches(model)),
            Self::And(rules) => rules.iter().all(|rule| rule.matches(model)),
            Self::Equals(text) => model == text,
            Self::StartsWith(text) => model.starts_with(text),
            Self::EndsWith(text) => model.ends_with(text),
            Self::Contains(text) => model.contains(text),
            Self::Regex(regex) => regex.is_match(model),
            Self::NotRegex(regex) => !regex.is_match(model),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenRule {
    Or(Vec<Rule>),
    And(Vec<Rule>),
    Equals(String),
    StartsWith(String),
    EndsWith(String),
    Contains(String),
    Regex(String),
}

impl TryFrom<WrittenRule> for Rule {
    type Error = regex::Error;

    fn try_from(written: WrittenRule) -> Result<Self, regex::Error> {
        Ok(match written {
            WrittenRule::Or(rules) => Self::Or(rules),
            WrittenRule::And(rules) => Self::And(rules),
            WrittenRule::Equals(text) => Self::Equals(text),
            WrittenRule::StartsWith(text) => Self::StartsWith(text),
            WrittenRule::EndsWith(text) => Self::EndsWith(text),
            WrittenRule::Contains(text) => Self::Contains(text),
            WrittenRule::Regex(pattern) => read_regex(&pattern)?,
        })
    }
}

/// The list says "not" by a negative look-ahead over the whole name, which the regex crate does not know.
fn read_regex(pattern: &str) -> Result<Rule, regex::Error> {
    let negated = pattern
        .strip_prefix("^(?!")
        .and_then(|rest| rest.strip_suffix(')'));
    let Some(negated) = negated else {
        return Ok(Rule::Regex(Box::new(Regex::new(pattern)?)));
    };
    // By itself first: `a)(b` must not become a pattern by the parentheses put around it.
    Regex::new(negated)?;
    Ok(Rule::NotRegex(Box::new(Regex::new(&format!("^(?:{negated})"))?)))
}

#[cfg(test)]
mod tests {
    use super::Rule;

    #[test]
    fn rules_nest() {
        let rule: Rule = serde_json::from_str(
            r#"{"or":[{"equals":"a"},{"and":[{"starts_with":"b-"},{"ends_with":"-z"},{"contains":"mid"}]},
                {"regex":"^c-\\d{8}$"}]}"#,
        )
        .unwrap();
        for model in ["a", "b-mid-z", "c-20260101"] {
            assert!(rule.matches(model), "{model}");
        }
        for model in ["", "ab", "b-mid", "b--z", "c-2026"] {
            assert!(!rule.matches(model), "{model}");
        }
    }

    #[test]
    fn a_look_ahead_over_the_whole_name_means_not() {
        let rule: Rule = serde_json::from_str(r#"{"regex":"^(?!.*-[tT][tT][sS](?:$|-))"}"#).unwrap();
        assert!(rule.matches("gemini-2.5-pro") && rule.matches("gemini-ttsx"));
        assert!(!rule.matches("gemini-2.5-pro-tts") && !rule.matches("gemini-TTS-2"));
    }

    #[test]
    fn a_rule_that_is_not_understood_is_an_error() {
        for rule in [
            r#"{"regex":"("}"#,
            r#"{"regex":"^(?!a)(?!b)"}"#,
            r#"{"regex":"^(?!a)(b)"}"#,
            r#"{"sounds_like":"x"}"#,
            "{}",
            r#""x""#,
        ] {
            assert!(serde_json::from_str::<Rule>(rule).is_err(), "{rule}");
        }
    }
}
