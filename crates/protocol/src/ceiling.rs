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

/// Names of what lies at a provider and is input all the same.
const REFERENCES: [&[u8]; 7] = [
    b"\"previous_response_id\"",
    b"\"conversation\"",
    b"\"file_id\"",
    b"\"fileUri\"",
    b"\"file_uri\"",
    b"\"cachedContent\"",
    b"\"cached_content\"",
];
/// Names of what a provider fetches; pictures, for the most part.
const ADDRESSES: [&[u8]; 2] = [b"\"url\"", b"\"image_url\""];
/// Tokens that a picture takes at the most, whatever its size.
const PICTURE_TOKENS: u64 = 5_000;
/// Bytes of base64 for each token of a file that is longer than a picture.
const FILE_BYTES_PER_TOKEN: u64 = 16;
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
    let refers = REFERENCES.iter().any(|name| memmem::find(body, name).is_some());
    Ceiling {
        input_tokens: (!refers).then(|| input_tokens(body)),
        answers: answers(body).clamp(1, MOST_ANSWERS),
    }
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
    if is_file(piece) {
        return (length / FILE_BYTES_PER_TOKEN).max(PICTURE_TOKENS);
    }
    let count = |is_one: fn(&u8) -> bool| piece.iter().filter(|byte| is_one(byte)).count() as u64;
    let letters = count(u8::is_ascii_alphabetic);
    let spaces = count(|byte| *byte == b' ');
    let foreign = count(|byte| !byte.is_ascii());
    let signs = length - letters - spaces - foreign;
    // One for the quote before it.
    1 + signs + letters.div_ceil(2) + (foreign * 2).div_ceil(3) + spaces.div_ceil(4)
}

/// Whether it is base64 throughout, as far as its beginning shows.
fn is_file(piece: &[u8]) -> bool {
    let is_base64 =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=');
    // `data:image/png;base64,` may come first.
    let data = memmem::find(&piece[..piece.len().min(128)], b";base64,").map_or(piece, |at| &piece[at + 8..]);
    data.get(..SHORTEST_FILE)
        .is_some_and(|head| head.iter().all(is_base64))
}

/// What `n` asks for in OpenAI's dialect and `candidateCount` in Gemini's; 1 without either.
fn answers(body: &[u8]) -> u64 {
    let number = |value: &[u8]| std::str::from_utf8(value).ok()?.trim().parse::<u64>().ok();
    let asked = json::members(body)
        .map_while(Result::ok)
        .find_map(|member| match &*member.key {
            b"n" => number(member.value),
            b"generationConfig" | b"generation_config" => json::members(member.value)
                .map_while(Result::ok)
                .find(|member| matches!(&*member.key, b"candidateCount" | b"candidate_count"))
                .and_then(|member| number(member.value)),
            _ => None,
        });
    asked.unwrap_or(1)
}
