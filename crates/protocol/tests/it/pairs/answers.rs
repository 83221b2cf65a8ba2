use bytes::Bytes;
use gateway_domain::Usage;
use gateway_protocol::Codec;

use super::{Fixture, fixtures, pretty, put, question};

pub(super) const ANSWERS: [Fixture; 12] = fixtures! {
    "answers", ".json",
    Anthropic: "anthropic" "text" "tools" "refusal";
    OpenAiChat: "chat" "text" "tools" "refusal";
    OpenAiResponses: "responses" "text" "tools" "refusal";
    Gemini: "gemini" "text" "tools" "refusal";
};

pub(super) fn told(fixture: &Fixture, client: &'static dyn Codec) -> Bytes {
    let translated = put(client, fixture.codec(), question(client.dialect())).unwrap();
    translated.way_back.reply(fixture.bytes).unwrap()
}

#[test]
fn answers_in_every_dialect() {
    for fixture in ANSWERS {
        let mut said = String::new();
        for client in fixture.others() {
            said += &format!(
                "== {} ==\n{}\n",
                client.dialect(),
                pretty(&told(&fixture, client))
            );
        }
        insta::assert_snapshot!(format!("answer_{}", fixture.name), said);
    }
}

#[test]
fn an_answer_has_the_same_usage_in_every_dialect() {
    for fixture in ANSWERS {
        let usage = |codec: &dyn Codec, body: &[u8]| codec.read_answer(body).usage.unwrap();
        let own: Usage = usage(fixture.codec(), fixture.bytes);
        for client in fixture.others() {
            let told = usage(client, &told(&fixture, client));
            let [own, told] = [&own, &told].map(|usage| usage.tokens);
            let name = fixture.name;
            let client = client.dialect();
            assert_eq!(told.total_input(), own.total_input(), "{name} for {client}");
            assert_eq!(told.output, own.output, "{name} for {client}");
            assert_eq!(told.cache_read, own.cache_read, "{name} for {client}");
            assert_eq!(told.reasoning, own.reasoning, "{name} for {client}");
        }
    }
}
