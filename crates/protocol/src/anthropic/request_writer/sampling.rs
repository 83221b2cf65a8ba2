use serde_json::Number;

use crate::translation::{Dropped, Sampling};

use super::generation::Generation;

/// What Anthropic takes of the wishes for how the next token is drawn.
#[derive(Default)]
pub(super) struct Fitted {
    pub(super) temperature: Option<Number>,
    pub(super) top_p: Option<Number>,
    pub(super) top_k: Option<u64>,
}

pub(super) fn fit(
    sampling: &Sampling,
    generation: Generation,
    is_thinking: bool,
    dropped: &mut Dropped,
) -> Fitted {
    let unknown = [
        ("seed", &sampling.seed),
        ("presence_penalty", &sampling.presence_penalty),
        ("frequency_penalty", &sampling.frequency_penalty),
    ];
    let known = [
        ("temperature", &sampling.temperature),
        ("top_p", &sampling.top_p),
        ("top_k", &sampling.top_k),
    ];
    // A model that thinks draws as it likes.
    let left_out = unknown
        .into_iter()
        .chain(known.into_iter().filter(|_| is_thinking));
    for (name, value) in left_out {
        if value.is_some() {
            dropped.note(name);
        }
    }
    if is_thinking {
        return Fitted::default();
    }
    let temperature = sampling.temperature.clone();
    let mut top_p = sampling.top_p.clone();
    if temperature.is_some() && top_p.is_some() && !generation.takes_both_samplings() {
        dropped.note("top_p");
        top_p = None;
    }
    Fitted {
        temperature: temperature.map(|temperature| clamp(temperature, dropped)),
        top_p,
        top_k: sampling.top_k.as_ref().and_then(|top_k| {
            let whole = whole(top_k);
            if whole.is_none() {
                dropped.note("top_k");
            }
            whole
        }),
    }
}

fn clamp(temperature: Number, dropped: &mut Dropped) -> Number {
    match temperature.as_f64() {
        Some(degree) if degree > 1.0 => {
            dropped.note("temperature");
            Number::from(1)
        }
        Some(degree) if degree < 0.0 => {
            dropped.note("temperature");
            Number::from(0)
        }
        _ => temperature,
    }
}

/// Gemini's clients write whole numbers with a fraction of zero.
fn whole(number: &Number) -> Option<u64> {
    number.as_u64().or_else(|| {
        let number = number.as_f64()?;
        let is_whole = number.fract() == 0.0 && (0.0..1e9).contains(&number);
        is_whole.then_some(number as u64)
    })
}
