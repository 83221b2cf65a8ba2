use std::collections::{HashMap, HashSet, VecDeque};

use bytes::Bytes;

use super::tool_id::split;
use super::{
    Conversation, Dropped, Part, Rendered, ReplyTerms, ToolChoice, Untranslatable, WayBack, estimate_tokens,
};
use crate::{Address, Codec};

/// A request as it goes to a provider of another dialect, and the way back of its answer.
#[derive(Debug, Clone)]
pub struct Translated {
    /// The body.
    pub body: Bytes,
    /// Headers that the body is read by.
    pub headers: Vec<(&'static str, &'static str)>,
    /// What had to be left out.
    pub dropped: Dropped,
    /// How its answer is told to the client.
    pub way_back: WayBack,
}

/// What names an answer.
#[derive(Debug, Clone)]
pub struct Birth {
    /// See [`ReplyTerms::id`].
    pub id: String,
    /// See [`ReplyTerms::created_at`].
    pub created_at: i64,
}

/// Puts a request from `client`'s dialect into `upstream`'s, for its model `model`.
///
/// # Errors
///
/// [`Untranslatable`], with the sentence for the client.
pub fn translate(
    client: &'static dyn Codec,
    upstream: &'static dyn Codec,
    body: &[u8],
    address: &Address<'_>,
    model: &str,
    birth: Birth,
) -> Result<Translated, Untranslatable> {
    let mut dropped = Dropped::default();
    let mut conversation = client.read_request(body, address, &mut dropped)?;
    let asked_for = std::mem::replace(&mut conversation.model, model.to_owned());
    unpack_tool_ids(&mut conversation);
    tell_calls_apart(&mut conversation);
    check_tool_results(&conversation)?;
    check_tool_choice(&conversation)?;
    let Rendered { body, headers, names } = upstream.write_request(&conversation, &mut dropped)?;
    let text_tools = conversation.tools.iter().filter(|tool| tool.is_text());
    let text_tools = text_tools.map(|tool| tool.name.clone()).collect();
    let terms = ReplyTerms {
        model: asked_for,
        id: birth.id,
        created_at: birth.created_at,
        include_usage: conversation.include_usage,
        framing: address.framing,
        echo: conversation.echo,
    };
    Ok(Translated {
        body,
        headers,
        dropped: dropped.renamed(|part| client.client_name(part)),
        way_back: WayBack::new(client, upstream, terms, names, text_tools),
    })
}

/// A request for a count of tokens, as far as the provider's dialect goes.
#[derive(Debug, Clone)]
pub struct Count {
    /// What to send; `None` where the dialect has no such call.
    pub request: Option<Rendered>,
    /// What to say where nobody can be asked.
    pub estimate: u64,
    /// What had to be left out.
    pub dropped: Dropped,
}

/// Puts a request for a count of tokens from `client`'s dialect into `upstream`'s, for its model `model`.
///
/// # Errors
///
/// [`Untranslatable`], with the sentence for the client.
pub fn translate_count(
    client: &dyn Codec,
    upstream: &dyn Codec,
    body: &[u8],
    address: &Address<'_>,
    model: &str,
) -> Result<Count, Untranslatable> {
    let mut dropped = Dropped::default();
    let mut conversation = client.read_count_request(body, address, &mut dropped)?;
    model.clone_into(&mut conversation.model);
    unpack_tool_ids(&mut conversation);
    tell_calls_apart(&mut conversation);
    check_tool_results(&conversation)?;
    check_tool_choice(&conversation)?;
    let request = upstream.write_count_request(&conversation, &mut dropped)?;
    Ok(Count {
        request,
        estimate: estimate_tokens(&conversation),
        dropped: dropped.renamed(|part| client.client_name(part)),
    })
}

/// Takes the signatures out of the ids that they rode in.
fn unpack_tool_ids(conversation: &mut Conversation) {
    let parts = conversation.turns.iter_mut().flat_map(|turn| &mut turn.parts);
    for part in parts {
        match part {
            Part::ToolCall(call) => {
                let (own, signature) = split(&call.id);
                let own = own.to_owned();
                call.id = own;
                call.signature = call.signature.take().or(signature);
            }
            Part::ToolResult(result) => {
                let own = split(&result.call_id).0.to_owned();
                result.call_id = own;
            }
            Part::Text(_) | Part::Media(_) | Part::Thinking(_) => {}
        }
    }
}

/// Makes the ids of calls unique: some servers begin anew in every answer. A result is for the first call of its id
/// that has none yet.
fn tell_calls_apart(conversation: &mut Conversation) {
    let mut taken = HashSet::new();
    let mut waiting: HashMap<String, VecDeque<String>> = HashMap::new();
    // It only grows, so that no search begins anew.
    let mut number = 0_usize;
    let parts = conversation.turns.iter_mut().flat_map(|turn| &mut turn.parts);
    for part in parts {
        match part {
            Part::ToolCall(call) => {
                let given = call.id.clone();
                while !taken.insert(call.id.clone()) {
                    number += 1;
                    call.id = format!("{number}_{given}");
                }
                waiting.entry(given).or_default().push_back(call.id.clone());
            }
            Part::ToolResult(result) => {
                if let Some(id) = waiting.get_mut(&result.call_id).and_then(VecDeque::pop_front) {
                    result.call_id = id;
                }
            }
            Part::Text(_) | Part::Media(_) | Part::Thinking(_) => {}
        }
    }
}

/// Of a tool that is not there no model can be told to call it.
fn check_tool_choice(conversation: &Conversation) -> Result<(), Untranslatable> {
    let Some(ToolChoice::Required { names }) = &conversation.tool_choice else {
        return Ok(());
    };
    let tools: HashSet<&str> = conversation.tools.iter().map(|tool| tool.name.as_str()).collect();
    match names.iter().find(|name| !tools.contains(name.as_str())) {
        Some(name) => Err(Untranslatable::invalid(
            "tool_choice",
            &format!("no tool is called `{name}`"),
        )),
        None => Ok(()),
    }
}

/// A result without its call says nothing in any dialect, and some would answer it with nonsense.
fn check_tool_results(conversation: &Conversation) -> Result<(), Untranslatable> {
    let mut called = HashSet::new();
    for turn in &conversation.turns {
        for part in &turn.parts {
            match part {
                Part::ToolCall(call) => {
                    called.insert(call.id.as_str());
                }
                Part::ToolResult(result) if !called.contains(result.call_id.as_str()) => {
                    return Err(Untranslatable::invalid(
                        "messages",
                        &format!(
                            "a tool result refers to the call `{}`, which no message before it makes",
                            result.call_id
                        ),
                    ));
                }
                _ => {}
            }
        }
    }
    Ok(())
}
