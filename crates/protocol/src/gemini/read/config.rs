use crate::gemini::fields::{Fields, Place};
use crate::translation::{
    Conversation, Dropped, Effort, Format, Sampling, Thinking, ThinkingAmount, Untranslatable,
};

use super::tools;

/// What of an answer no other provider has. Whatever else is not read is a hint.
const UNSUPPORTED: [&str; 6] = [
    "speechConfig",
    "logprobs",
    "responseFormat",
    "translationConfig",
    "audioTranscriptionConfig",
    "enableAffectiveDialog",
];

/// Reads how the answer shall be generated.
pub(super) fn read(
    config: &[u8],
    place: Place<'_>,
    conversation: &mut Conversation,
    dropped: &mut Dropped,
) -> Result<(), Untranslatable> {
    let mut fields = Fields::read(config, place)?;
    refuse(&mut fields)?;
    conversation.sampling = Sampling {
        temperature: fields.number("temperature")?,
        top_p: fields.number("topP")?,
        top_k: fields.integer("topK")?.map(Into::into),
        seed: fields.integer("seed")?.map(Into::into),
        presence_penalty: fields.number("presencePenalty")?,
        frequency_penalty: fields.number("frequencyPenalty")?,
    };
    conversation.max_tokens = fields.count("maxOutputTokens")?;
    conversation.stop = fields.texts("stopSequences")?;
    conversation.format = format(&mut fields)?;
    if let Some(config) = fields.take("thinkingConfig") {
        conversation.thinking = thinking(config, place.field("thinkingConfig"), dropped)?;
    }
    fields.drop_rest("generation_config.", dropped);
    Ok(())
}

fn refuse(fields: &mut Fields<'_>) -> Result<(), Untranslatable> {
    let place = fields.place();
    if let Some(name) = UNSUPPORTED.iter().find(|name| fields.has(name)) {
        return Err(place.field(name).unsupported());
    }
    if fields.count("candidateCount")?.is_some_and(|count| count > 1) {
        return Err(place.field("candidateCount").unsupported());
    }
    if fields.flag("responseLogprobs")?.unwrap_or_default() {
        return Err(place.field("responseLogprobs").unsupported());
    }
    let modalities = fields.texts("responseModalities")?;
    if !modalities
        .iter()
        .all(|modality| modality.eq_ignore_ascii_case("TEXT"))
    {
        return Err(place.field("responseModalities").unsupported());
    }
    Ok(())
}

fn format(fields: &mut Fields<'_>) -> Result<Format, Untranslatable> {
    let place = fields.place();
    let media_type = fields.text("responseMimeType")?.unwrap_or_default();
    let schema = tools::either_schema(fields, "responseSchema", "responseJsonSchema")?;
    match (media_type.as_str(), schema) {
        // A schema says enough by itself.
        ("application/json" | "", Some(schema)) => Ok(Format::Schema {
            name: None,
            description: None,
            schema,
            strict: None,
        }),
        ("application/json", None) => Ok(Format::Json),
        ("text/plain" | "", None) => Ok(Format::Text),
        ("text/plain", Some(_)) => Err(place
            .field("responseMimeType")
            .wrong("Response schema with mime type: 'text/plain' is unsupported")),
        _ => Err(place.field("responseMimeType").unsupported()),
    }
}

fn thinking(
    config: &[u8],
    place: Place<'_>,
    dropped: &mut Dropped,
) -> Result<Option<Thinking>, Untranslatable> {
    let mut fields = Fields::read(config, place)?;
    let is_shown = fields.flag("includeThoughts")?.unwrap_or_default();
    let budget = fields.integer("thinkingBudget")?;
    let level = fields.word("thinkingLevel")?;
    fields.drop_rest("generation_config.thinking_config.", dropped);
    let amount = match (budget, level) {
        (Some(_), Some(_)) => {
            return Err(place.wrong("You can only set only one of thinking budget and thinking level."));
        }
        (Some(0), None) => ThinkingAmount::Off,
        (Some(-1), None) => ThinkingAmount::Free,
        (Some(budget), None) => match u64::try_from(budget) {
            Ok(tokens) => ThinkingAmount::Tokens(tokens),
            Err(_) => return Err(place.field("thinkingBudget").wrong("must not be less than -1")),
        },
        (None, Some(level)) => match level.to_ascii_lowercase().parse::<Effort>() {
            Ok(effort) => ThinkingAmount::Effort(effort),
            Err(error) => return Err(place.field("thinkingLevel").wrong(&error.to_string())),
        },
        (None, None) if is_shown => ThinkingAmount::Free,
        // Not to show what the model thinks by itself is what providers do unasked.
        (None, None) => return Ok(None),
    };
    Ok(Some(Thinking { amount, is_shown }))
}
