/// What may stand behind a model's name: it tells a price, and not another model.
const MODIFIERS: [&str; 8] = [
    "audio", "batch", "flex", "image", "priority", "realtime", "text", "video",
];

/// The model that a line of the costs is for, if it is for one.
///
/// The provider writes `gpt-5.5-2026-04-23, cached input`, `priority | gpt-5.5, output, long context`,
/// `gpt-audio-mini-2025-12-15 audio, input`, and `web search tool calls` for what is charged by itself. A line that
/// has another shape is of no model: its cost counts for the day, and a guess could be wrong.
pub(super) fn model(line_item: &str) -> Option<&str> {
    let named = line_item.rsplit_once('|').map_or(line_item, |(_, rest)| rest);
    let named = named.split(',').next()?;
    let mut words = named.split_ascii_whitespace();
    let model = words.next()?;
    let is_model = model.bytes().any(|byte| byte.is_ascii_digit() || byte == b'-');
    let is_known = words.all(|word| MODIFIERS.contains(&word.to_ascii_lowercase().as_str()));
    (is_model && is_known).then_some(model)
}

#[cfg(test)]
mod tests {
    use super::model;

    #[test]
    fn a_line_names_a_model_or_something_else() {
        for (line, named) in [
            ("gpt-4o-2024-08-06, input", Some("gpt-4o-2024-08-06")),
            ("gpt-5.5-2026-04-23, cached input", Some("gpt-5.5-2026-04-23")),
            ("gpt-6-astra, input_tokens", Some("gpt-6-astra")),
            (
                "priority | gpt-5.6-sol, output, long context",
                Some("gpt-5.6-sol"),
            ),
            (
                "gpt-audio-mini-2025-12-15 audio, input",
                Some("gpt-audio-mini-2025-12-15"),
            ),
            ("gpt-image-2.5-flare image, output", Some("gpt-image-2.5-flare")),
            (
                "ft:gpt-4o-2024-08-06:acme::abc, output",
                Some("ft:gpt-4o-2024-08-06:acme::abc"),
            ),
            ("o3, output", Some("o3")),
            ("gpt-4o", Some("gpt-4o")),
            ("web search tool calls", None),
            ("Vector storage", None),
            ("gpt-4o something new, input", None),
            ("embeddings", None),
            ("assistants api | file search", None),
            ("", None),
            (",", None),
            ("|", None),
        ] {
            assert_eq!(model(line), named, "{line}");
        }
    }
}
