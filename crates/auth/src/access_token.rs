use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway_domain::{SessionId, Timestamp, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::random;
use crate::settings::{AuthSettings, InvalidSettings};

/// The one algorithm, whatever a token's header says.
const ALGORITHM: Algorithm = Algorithm::HS256;
/// What the claim `typ` says, so that no other token of ours passes for an access token.
const KIND: &str = "access";
/// How far another instance's clock may be ahead of ours, in seconds. The end has no such leeway.
const LEEWAY_SECONDS: i64 = 30;
/// Ours are about 500 bytes; nothing longer is worth decoding.
const MAX_BYTES: usize = 2048;

/// Issues and checks the JWTs that stand for a session.
pub(crate) struct AccessTokens {
    header: Header,
    signing_key: EncodingKey,
    /// By `kid`: the current secret, then the one before.
    accepted_keys: Vec<(String, DecodingKey)>,
    validation: Validation,
    issuer: String,
    audience: String,
    lifetime: Duration,
}

/// Whom an access token speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) user_id: UserId,
    pub(crate) session_id: SessionId,
}

/// All of it is required, and each claim has one type only.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
    jti: String,
    typ: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl AccessTokens {
    pub(crate) fn new(settings: &AuthSettings) -> Result<Self, InvalidSettings> {
        let secret = settings.checked_secret()?;
        let header = Header {
            kid: Some(key_id(secret)),
            ..Header::new(ALGORITHM)
        };
        let accepted = [Some(secret), settings.previous_jwt_secret.as_ref()];
        let accepted_key = |secret: &SecretString| {
            (
                key_id(secret),
                DecodingKey::from_secret(secret.expose_secret().as_bytes()),
            )
        };
        Ok(Self {
            header,
            signing_key: EncodingKey::from_secret(secret.expose_secret().as_bytes()),
            accepted_keys: accepted.into_iter().flatten().map(accepted_key).collect(),
            validation: validation(settings),
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            lifetime: settings.access_token_lifetime(),
        })
    }

    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    pub(crate) fn issue(&self, subject: Subject, now: Timestamp) -> SecretString {
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: subject.user_id,
            sid: subject.session_id,
            jti: URL_SAFE_NO_PAD.encode(random::bytes::<16>().as_ref()),
            typ: KIND.to_owned(),
            iat: now.as_seconds(),
            nbf: now.as_seconds(),
            exp: (now + self.lifetime).as_seconds(),
        };
        jsonwebtoken::encode(&self.header, &claims, &self.signing_key)
            .expect("HMAC takes any key, and the claims are plain JSON")
            .into()
    }

    /// Whom `token` speaks for at `now`; `None` if it is not one of ours, or no longer. Whether its session goes
    /// on is another question.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Option<Subject> {
        if token.len() > MAX_BYTES {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        // RFC 7515: what is critical and not understood makes a token invalid, and we understand nothing.
        if header.crit.is_some() {
            return None;
        }
        let kid = header.kid?;
        let (_, key) = self.accepted_keys.iter().find(|(id, _)| *id == kid)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &self.validation)
            .ok()?
            .claims;
        let now = now.as_seconds();
        let starts = claims.nbf.max(claims.iat);
        let is_current = starts.saturating_sub(LEEWAY_SECONDS) <= now && now < claims.exp;
        (is_current && claims.typ == KIND && !claims.jti.is_empty()).then_some(Subject {
            user_id: claims.sub,
            session_id: claims.sid,
        })
    }
}

/// All that does not depend on the time: the library would ask the system's clock.
fn validation(settings: &AuthSettings) -> Validation {
    let mut validation = Validation::new(ALGORITHM);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.set_required_spec_claims(&["exp", "nbf", "sub", "iss", "aud"]);
    validation.set_issuer(&[&settings.issuer]);
    validation.set_audience(&[&settings.audience]);
    validation
}

/// Names a secret without telling anything about it.
fn key_id(secret: &SecretString) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    URL_SAFE_NO_PAD.encode(&hmac::sign(&key, b"llm-gateway jwt key id").as_ref()[..9])
}
