//! The most that a request can ask of a model, told from its bytes alone.

use memchr::memmem;

use crate::json;

/// The most that a request asks for, erring on the high side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ceiling {
    /// Tokens of input; `None` if the request refers to more than it holds, such as an earlier answer or a file.
    pub input_tokens: Option<u64>,
    /// How many answers are asked for at once.
    pub answers: u64,
}

/// Fields of a request that name what lies at a provider and is input all the same.
const REFERENCES: [&[u8]; 5] = [
    b"previous_response_id",
    b"conversation",
    b"prompt",
    b"cachedContent",
    b"cached_content",
];
/// Names of files, wherever they stand.
const FILES: [&[u8]; 4] = [b"\"file_id\"", b"\"file_url\"", b"\"fileUri\"", b"\"file_uri\""];
/// The type of what stands for something said earlier.
const ITEM_REFERENCE: &[u8] = b"\"item_reference\"";
/// Names of what a provider fetches; pictures, for the most part.
const ADDRESSES: [&[u8]; 2] = [b"\"url\"", b"\"image_url\""];
/// How pictures, sounds and films in base64 begin: PNG, JPEG, GIF, `RIFF`, MP3, MP4.
const MEDIA: [&[u8]; 6] = [b"iVBORw0KGgo", b"/9j/", b"R0lGOD", b"UklGR", b"SUQz", b"AAAA"];
/// Tokens that a picture takes at the most, whatever its size.
const PICTURE_TOKENS: u64 = 5_000;
/// Bytes of base64 for each token of a picture, a sound or a film that is longer than that.
const MEDIA_BYTES_PER_TOKEN: u64 = 16;
/// Bytes of base64 for each token of any other file.
const FILE_BYTES_PER_TOKEN: u64 = 3;
/// Bytes of base64 from which on a string is a file.
const SHORTEST_FILE: usize = 4_096;
/// Answers that a provider gives at once at the most.
const MOST_ANSWERS: u64 = 128;

/// The most that the request in `body`, of any dialect, asks for.
///
/// Reckoned are a token for two letters, two for three bytes of other scripts, one for each digit and sign: more than
/// tokenizers take for a text that was not made to be hard on them. It is read once, without building a tree.
#[must_use]
pub fn ceiling(body: &[u8]) -> Ceiling {
    Ceiling {
        input_tokens: (!refers(body)).then(|| input_tokens(body)),
        answers: answers(body).clamp(1, MOST_ANSWERS),
    }
}

/// Whether there is more input than the body holds.
fn refers(body: &[u8]) -> bool {
    let is_named = |name: &&[u8]| {
        // A tool may have a parameter of this name, whose value is no text.
        memmem::find_iter(body, *name).any(|at| {
            let value = body[at + name.len()..].trim_ascii_start();
            let value = value.strip_prefix(b":").map(<[u8]>::trim_ascii_start);
            value.is_some_and(|value| value.starts_with(b"\""))
        })
    };
    memmem::find(body, ITEM_REFERENCE).is_some()
        || FILES.iter().any(is_named)
        || json::members(body)
            .map_while(Result::ok)
            .any(|member| REFERENCES.contains(&&*member.key) && !json::is_null(member.value))
}

fn input_tokens(body: &[u8]) -> u64 {
    let addresses = ADDRESSES
        .iter()
        .map(|name| memmem::find_iter(body, name).count() as u64);
    let pictures = addresses.sum::<u64>() * PICTURE_TOKENS;
    let pieces = body.split(|byte| *byte == b'"').map(piece_tokens);
    pieces.fold(pictures, u64::saturating_add)
}

/// Tokens of what stands between two quotes.
fn piece_tokens(piece: &[u8]) -> u64 {
    let length = piece.len() as u64;
    if let Some(file) = file(piece) {
        let is_media = MEDIA.iter().any(|beginning| file.starts_with(beginning));
        return if is_media {
            (length / MEDIA_BYTES_PER_TOKEN).max(PICTURE_TOKENS)
        } else {
            length / FILE_BYTES_PER_TOKEN
        };
    }
    let count = |is_one: fn(&u8) -> bool| piece.iter().filter(|byte| is_one(byte)).count() as u64;
    let letters = count(u8::is_ascii_alphabetic);
    let spaces = count(|byte| *byte == b' ');
    let foreign = count(|byte| !byte.is_ascii());
    let signs = length - letters - spaces - foreign;
    // One for the quote before it.
    1 + signs + letters.div_ceil(2) + (foreign * 2).div_ceil(3) + spaces.div_ceil(4)
}

/// The base64 of a file, if the piece is one.
fn file(piece: &[u8]) -> Option<&[u8]> {
    let is_base64 =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=');
    // `data:image/png;base64,` may come first.
    let head = &piece[..piece.len().min(128)];
    let file = memmem::find(head, b";base64,").map_or(piece, |at| &piece[at + 8..]);
    (file.len() >= SHORTEST_FILE && file.iter().all(is_base64)).then_some(file)
}

/// What `n` asks for in OpenAI's dialect and `candidateCount` in Gemini's, the most where it is no number that is understood
/// here; 1 without either.
fn answers(body: &[u8]) -> u64 {
    let number = |value: &[u8]| {
        let text = std::str::from_utf8(value).unwrap_or_default().trim();
        if text == "null" {
            1
        } else {
            text.parse().unwrap_or(MOST_ANSWERS)
        }
    };
    let of_generation = |value| {
        let members = json::members(value).map_while(Result::ok);
        let counts = members.filter(|member| matches!(&*member.key, b"candidateCount" | b"candidate_count"));
        counts.map(|member| number(member.value)).max().unwrap_or(1)
    };
    let members = json::members(body).map_while(Result::ok);
    let asked = members.map(|member| match &*member.key {
        b"n" => number(member.value),
        b"generationConfig" | b"generation_config" => of_generation(member.value),
        _ => 1,
    });
    asked.max().unwrap_or(1)
}
