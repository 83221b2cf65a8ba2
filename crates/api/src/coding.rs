use std::io::Read;

use actix_web::http::header::{CONTENT_ENCODING, HeaderMap};

use crate::error::{Code, Problem};

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

    /// Decodes all of it, or gives up as soon as it grows beyond `limit`.
    pub(crate) fn decode(self, encoded: &[u8], limit: usize) -> Result<Vec<u8>, Problem> {
        let invalid = |_| {
            Problem::new(
                Code::MalformedRequest,
                "the body is not encoded as its content-encoding says",
            )
        };
        let reader: Box<dyn Read + '_> = match self {
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(encoded)),
            Self::Deflate => Box::new(flate2::read::ZlibDecoder::new(encoded)),
            Self::Brotli => Box::new(brotli::Decompressor::new(encoded, 4096)),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(encoded).map_err(invalid)?;
                // 8 MiB, what RFC 8878 asks decoders to support; a larger window is a way to take our memory.
                decoder.window_log_max(23).map_err(invalid)?;
                Box::new(decoder)
            }
        };
        let mut decoded = Vec::new();
        reader
            .take(limit as u64 + 1)
            .read_to_end(&mut decoded)
            .map_err(invalid)?;
        if decoded.len() > limit {
            Err(Problem::too_large(limit))
        } else {
            Ok(decoded)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::Coding;
    use crate::error::Code;

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
            assert_eq!(coding.decode(&bytes, 1 << 20).unwrap(), plain, "{coding:?}");
            let too_large = coding.decode(&bytes, (1 << 20) - 1).unwrap_err();
            assert_eq!(too_large.code, Code::PayloadTooLarge, "{coding:?}");
            let cut = coding.decode(&bytes[..bytes.len() / 2], 1 << 20).unwrap_err();
            assert_eq!(cut.code, Code::MalformedRequest, "{coding:?}");
        }
    }
}
