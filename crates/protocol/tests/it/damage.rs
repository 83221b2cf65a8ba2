//! The fuzz targets, on fixtures that were damaged.

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a crate of its own when it is fuzzed")]
mod fuzzing;

use proptest::prelude::{any, prop, proptest};

/// Everything that is anywhere a fixture of a pair.
const SEEDS: &[&[u8]] = &[
    include_bytes!("pairs/requests/anthropic_tools.json"),
    include_bytes!("pairs/requests/anthropic_media.json"),
    include_bytes!("pairs/requests/chat_plain.json"),
    include_bytes!("pairs/requests/chat_tools.json"),
    include_bytes!("pairs/requests/responses_tools.json"),
    include_bytes!("pairs/requests/gemini_tools.json"),
    include_bytes!("pairs/requests/gemini_media.json"),
    include_bytes!("fixtures/history/anthropic.json"),
    include_bytes!("fixtures/history/chat.json"),
    include_bytes!("fixtures/history/responses.json"),
    include_bytes!("fixtures/history/gemini.json"),
    include_bytes!("pairs/answers/anthropic_tools.json"),
    include_bytes!("pairs/answers/chat_tools.json"),
    include_bytes!("pairs/answers/responses_tools.json"),
    include_bytes!("pairs/answers/gemini_tools.json"),
    include_bytes!("pairs/streams/anthropic_tools.sse"),
    include_bytes!("pairs/streams/chat_tools.sse"),
    include_bytes!("pairs/streams/responses_tools.sse"),
    include_bytes!("pairs/streams/gemini_tools.sse"),
];

fn throw(data: &[u8]) {
    fuzzing::peek(data);
    fuzzing::request(data);
    fuzzing::answer(data);
    fuzzing::stream(data);
    fuzzing::error(data);
}

proptest! {
    #[test]
    fn damaged_fixtures_break_nothing(
        client: u8,
        upstream: u8,
        seed in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        is_cut: bool,
    ) {
        let mut data = vec![client, upstream];
        data.extend_from_slice(SEEDS[seed.index(SEEDS.len())]);
        for (at, byte) in damage {
            let at = at.index(data.len());
            data[at] = byte;
        }
        if is_cut {
            data.truncate(cut.index(data.len()));
        }
        throw(&data);
    }

    #[test]
    fn random_bytes_break_nothing(data: Vec<u8>) {
        throw(&data);
    }

    #[test]
    fn swapped_words_break_nothing(
        client: u8,
        upstream: u8,
        seed in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        value in prop::sample::select(vec![
            "null", "[]", "{}", "\"\"", "0", "-1", "1e400", "true", "[[]]", "\"\\ud800\"", "123456789012345678901234567890",
        ]),
    ) {
        // A value in the place of another, wherever a colon is.
        let text = String::from_utf8_lossy(SEEDS[seed.index(SEEDS.len())]).into_owned();
        let colons: Vec<usize> = text.match_indices(": ").map(|(at, _)| at + 2).collect();
        if !colons.is_empty() {
            let at = colons[from.index(colons.len())];
            let rest = &text[at..];
            let ends: Vec<usize> = rest.match_indices([',', '}', ']', '\n']).map(|(end, _)| end).collect();
            let end = ends.get(to.index(ends.len().clamp(1, 3))).copied().unwrap_or(rest.len());
            let mut data = vec![client, upstream];
            data.extend_from_slice(&text.as_bytes()[..at]);
            data.extend_from_slice(value.as_bytes());
            data.extend_from_slice(&rest.as_bytes()[end..]);
            throw(&data);
        }
    }
}
