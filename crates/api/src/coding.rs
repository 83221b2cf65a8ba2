use std::io::{self, Read};

use actix_web::http::header::{CONTENT_ENCODING, HeaderMap};

use crate::error::{Code, Problem};
use crate::memory::Buffer;

/// Bytes that are decoded before room is made for them.
const PIECE: usize = 64 << 10;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    /// The one coding that the headers name; `None` is uncompressed.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let unsupported = || {
            Problem::new(
                Code::UnsupportedMediaType,
                "content-encoding may be gzip, deflate, br or zstd, once",
            )
        };
        let mut coding = None;
        for line in headers.get_all(CONTENT_ENCODING) {
            for word in line.to_str().map_err(|_| unsupported())?.split(',') {
                let named = match word.trim().to_ascii_lowercase().as_str() {
                    "identity" | "" => continue,
                    "gzip" | "x-gzip" => Self::Gzip,
                    "deflate" => Self::Deflate,
                    "br" => Self::Brotli,
                    "zstd" => Self::Zstd,
                    _ => return Err(unsupported()),
                };
                if coding.replace(named).is_some() {
                    return Err(unsupported());
                }
            }
        }
        Ok(coding)
    }

    /// Decodes all of it, or gives up as soon as there is no room for more.
    pub(crate) fn decode(self, encoded: &[u8], mut decoded: Buffer) -> Result<Buffer, Problem> {
        let mut reader = self.reader(encoded).map_err(|_| invalid())?;
        let mut piece = vec![0; PIECE];
        loop {
            match reader.read(&mut piece) {
                Ok(0) => return Ok(decoded),
                Ok(count) => decoded.extend(&piece[..count])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(invalid()),
            }
        }
    }

    fn reader(self, encoded: &[u8]) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(encoded)),
            Self::Deflate => Box::new(flate2::read::ZlibDecoder::new(encoded)),
            Self::Brotli => Box::new(brotli::Decompressor::new(encoded, 4096)),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(encoded)?;
                // 8 MiB, what RFC 8878 asks decoders to support; a larger window is a way to take our memory.
                decoder.window_log_max(23)?;
                Box::new(decoder)
            }
        })
    }
}

fn invalid() -> Problem {
    Problem::new(
        Code::MalformedRequest,
        "the body is not encoded as its content-encoding says",
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::Coding;
    use crate::error::{Code, Problem};
    use crate::memory::Memory;

    fn decode(coding: Coding, encoded: &[u8], limit: usize) -> Result<Vec<u8>, Problem> {
        let memory = Memory::of(16 << 20);
        let decoded = coding.decode(encoded, memory.buffer(limit, None))?;
        Ok(decoded.into_body().to_vec())
    }

    #[test]
    fn decoding_stops_at_the_limit() {
        let plain = vec![0_u8; 1 << 20];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&plain).unwrap();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(&plain).unwrap();
        let mut brotli = Vec::new();
        brotli::CompressorWriter::new(&mut brotli, 4096, 5, 22)
            .write_all(&plain)
            .unwrap();
        let encoded = [
            (Coding::Gzip, gzip.finish().unwrap()),
            (Coding::Deflate, zlib.finish().unwrap()),
            (Coding::Brotli, brotli),
            (Coding::Zstd, zstd::encode_all(plain.as_slice(), 3).unwrap()),
        ];
        for (coding, bytes) in encoded {
            assert_eq!(decode(coding, &bytes, 1 << 20).unwrap(), plain, "{coding:?}");
            let too_large = decode(coding, &bytes, (1 << 20) - 1).unwrap_err();
            assert_eq!(too_large.code, Code::PayloadTooLarge, "{coding:?}");
            let cut = decode(coding, &bytes[..bytes.len() / 2], 1 << 20).unwrap_err();
            assert_eq!(cut.code, Code::MalformedRequest, "{coding:?}");
        }
    }
    #[test]
    fn a_bomb_takes_no_more_than_the_memory_that_is_left() {
        let bomb = zstd::encode_all(vec![0_u8; 8 << 20].as_slice(), 3).unwrap();
        let memory = Memory::of(1 << 20);
        let refusal = Coding::Zstd
            .decode(&bomb, memory.buffer(32 << 20, None))
            .err()
            .unwrap();
        assert_eq!(refusal.code, Code::Unavailable);
        let mut all = memory.buffer(1 << 20, Some(1 << 20));
        all.extend(&vec![0; 1 << 20]).unwrap();
    }
}
