//! Streamed answers, piece by piece.

mod reading;
mod writing;

use gateway_protocol::translation::Piece;

use super::chat;

fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Piece> {
    let mut reader = chat().piece_reader();
    let mut pieces = Vec::new();
    for chunk in chunks {
        reader.push(chunk, &mut |piece| pieces.push(piece));
    }
    pieces
}

fn shown(pieces: &[Piece]) -> String {
    let lines: Vec<_> = pieces.iter().map(|piece| format!("{piece:?}")).collect();
    lines.join("\n")
}
