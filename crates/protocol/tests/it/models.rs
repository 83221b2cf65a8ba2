use gateway_protocol::anthropic::{ModelsQuery, model, models_page};
use gateway_protocol::{ModelEntry, openai};
use serde_json::Value;

use crate::anthropic;

use crate::text;

fn upstream() -> Vec<ModelEntry> {
    anthropic().read_models(include_bytes!("fixtures/models.json"))
}

fn pretty(json: &[u8]) -> String {
    let value: Value = serde_json::from_slice(json).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

/// Asks for a page of the models `a` to `e`, and tells its ids and whether there are more.
fn page(limit: usize, after: Option<&str>, before: Option<&str>) -> (String, bool) {
    let entries = ["a", "b", "c", "d", "e"].map(ModelEntry::named);
    let query = ModelsQuery {
        limit: Some(limit),
        after_id: after.map(str::to_owned),
        before_id: before.map(str::to_owned),
    };
    let page: Value = serde_json::from_slice(&models_page(&entries, &query)).unwrap();
    let ids: String = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["id"].as_str().unwrap())
        .collect();
    assert_eq!(page["first_id"].as_str(), ids.get(..1));
    assert_eq!(
        page["last_id"].as_str(),
        ids.get(ids.len().saturating_sub(1)..).filter(|id| !id.is_empty())
    );
    (ids, page["has_more"].as_bool().unwrap())
}

#[test]
fn entries_of_a_provider_keep_their_own_json() {
    let ids: Vec<_> = upstream().into_iter().map(|entry| entry.id).collect();
    assert_eq!(ids, ["claude-opus-5-5", "claude-haiku-5-5"]);

    let original = include_str!("fixtures/models.json");
    for entry in upstream() {
        assert!(original.contains(text(&model(&entry))));
    }
}

#[test]
fn the_list_in_anthropics_shape() {
    let mut entries = upstream();
    entries.push(ModelEntry::named("claude-for-everybody"));
    insta::assert_snapshot!(pretty(&models_page(&entries, &ModelsQuery::default())));
}

#[test]
fn the_list_in_openais_shape() {
    insta::assert_snapshot!(pretty(&openai::models_list(&upstream())));
}

#[test]
fn one_model_in_both_shapes() {
    let entry = ModelEntry::named("claude-for-everybody");
    insta::assert_snapshot!(format!(
        "{}\n{}",
        text(&model(&entry)),
        text(&openai::model(&entry))
    ));
}

#[test]
fn pages_go_forward() {
    assert_eq!(page(2, None, None), ("ab".into(), true));
    assert_eq!(page(2, Some("b"), None), ("cd".into(), true));
    assert_eq!(page(2, Some("d"), None), ("e".into(), false));
    assert_eq!(page(2, Some("e"), None), (String::new(), false));
    assert_eq!(page(1000, None, None), ("abcde".into(), false));
}

#[test]
fn pages_go_backward() {
    assert_eq!(page(2, None, Some("e")), ("cd".into(), true));
    assert_eq!(page(2, None, Some("c")), ("ab".into(), false));
    assert_eq!(page(2, None, Some("a")), (String::new(), false));
}

#[test]
fn paging_by_an_id_that_is_gone_comes_to_an_end() {
    assert_eq!(page(2, Some("gone"), None), (String::new(), false));
    assert_eq!(page(2, None, Some("gone")), (String::new(), false));
}

#[test]
fn limits_out_of_range_are_brought_into_it() {
    assert_eq!(page(0, None, None), ("a".into(), true));
    assert_eq!(page(usize::MAX, Some("a"), None), ("bcde".into(), false));
}

#[test]
fn what_is_no_list_of_models_has_no_entries() {
    for body in [
        "",
        "{}",
        "[]",
        r#"{"data":7}"#,
        r#"{"data":[7,{},{"id":1},{"id":""}]}"#,
    ] {
        assert!(anthropic().read_models(body.as_bytes()).is_empty(), "{body}");
    }
}
