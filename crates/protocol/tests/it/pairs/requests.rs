use gateway_protocol::translation::Translated;

use super::{Fixture, fixtures, pretty, put};

const REQUESTS: [Fixture; 11] = fixtures! {
    "requests", ".json",
    Anthropic: "anthropic" "plain" "tools" "media";
    OpenAiChat: "chat" "plain" "tools" "media";
    OpenAiResponses: "responses" "plain" "tools";
    Gemini: "gemini" "plain" "tools" "media";
};

#[test]
fn requests_in_every_dialect() {
    for fixture in REQUESTS {
        let mut said = String::new();
        for upstream in fixture.others() {
            said += &format!("== {} ==\n", upstream.dialect());
            said += &match put(fixture.codec(), upstream, fixture.bytes) {
                Ok(translated) => told(&translated),
                Err(error) => format!("refused: {error}\n"),
            };
        }
        insta::assert_snapshot!(format!("request_{}", fixture.name), said);
    }
}

fn told(translated: &Translated) -> String {
    let headers: String = translated
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    let dropped = &translated.dropped;
    format!("{headers}dropped: [{dropped}]\n{}\n", pretty(&translated.body))
}
