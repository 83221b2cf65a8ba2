use gateway_protocol::ModelEntry;
use gateway_protocol::gemini::{ModelsQuery, model, models_page};
use serde_json::Value;

use super::{gemini, pretty};
use crate::text;

const LIST: &[u8] = include_bytes!("../fixtures/gemini/models.json");

fn query(page_size: Option<usize>, page_token: Option<&str>) -> ModelsQuery {
    ModelsQuery {
        page_size,
        page_token: page_token.map(str::to_owned),
    }
}

/// Asks for a page of the models `a` to `e`, and tells its names and the token of the next.
fn page(size: usize, token: Option<&str>) -> (String, Option<String>) {
    let entries = ["a", "b", "c", "d", "e"].map(ModelEntry::named);
    let page: Value = serde_json::from_slice(&models_page(&entries, &query(Some(size), token))).unwrap();
    let models = page["models"].as_array().unwrap().iter();
    let names = models.map(|entry| entry["name"].as_str().unwrap().strip_prefix("models/").unwrap());
    let token = page
        .get("nextPageToken")
        .map(|token| token.as_str().unwrap().to_owned());
    (names.collect(), token)
}

#[test]
fn ids_are_names_without_their_prefix_and_entries_keep_their_own_json() {
    let entries = gemini().read_models(LIST);
    let ids: Vec<_> = entries.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["gemini-3.1-pro-preview", "gemini-2.5-flash"]);
    for entry in &entries {
        assert!(text(LIST).contains(text(&model(entry))));
    }
}

#[test]
fn the_list_in_geminis_shape() {
    let mut entries = gemini().read_models(LIST);
    entries.push(ModelEntry::named("claude-for-everybody"));
    insta::assert_snapshot!(pretty(&models_page(&entries, &ModelsQuery::default())));
}

#[test]
fn pages_follow_one_another() {
    assert_eq!(page(2, None), ("ab".to_owned(), Some("c".to_owned())));
    assert_eq!(page(2, Some("c")), ("cd".to_owned(), Some("e".to_owned())));
    assert_eq!(page(2, Some("e")), ("e".to_owned(), None));
    assert_eq!(page(2, Some("gone")), (String::new(), None));
    assert_eq!(page(0, Some("")), ("abcde".to_owned(), None));
    assert_eq!(page(usize::MAX, Some("b")), ("bcde".to_owned(), None));
}

#[test]
fn what_is_no_list_of_models_has_no_entries() {
    for body in [
        "",
        "{}",
        "[]",
        r#"{"models":7}"#,
        r#"{"models":[7,{},{"name":1},{"name":"models/"}]}"#,
    ] {
        assert!(gemini().read_models(body.as_bytes()).is_empty(), "{body}");
    }
}
