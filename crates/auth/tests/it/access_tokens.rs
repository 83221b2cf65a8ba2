use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway_auth::{AuthError, AuthSettings, TokenPair};
use gateway_domain::{Clock, SessionId, UserId};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::world::{PASSWORD, SECRET, World, settings, typed};

/// Signs anything, as somebody with `secret` could.
fn sign(header: &str, claims: &str, secret: &str, algorithm: hmac::Algorithm) -> String {
    let encode = |text: &[u8]| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
    let key = hmac::Key::new(algorithm, secret.as_bytes());
    format!(
        "{message}.{}",
        encode(hmac::sign(&key, message.as_bytes()).as_ref())
    )
}

/// A good token of alice's, to be spoiled.
struct Token {
    world: World,
    pair: TokenPair,
    header: Value,
    claims: Value,
}

impl Token {
    async fn new() -> Self {
        let world = World::new();
        let pair = world.alice().await;
        let parts: Vec<Value> = pair
            .access_token
            .expose_secret()
            .split('.')
            .take(2)
            .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
            .collect();
        Self {
            world,
            pair,
            header: parts[0].clone(),
            claims: parts[1].clone(),
        }
    }

    fn signed(&self, header: &Value, claims: &Value) -> String {
        sign(
            &header.to_string(),
            &claims.to_string(),
            SECRET,
            hmac::HMAC_SHA256,
        )
    }

    fn with_header(&self, name: &str, value: Value) -> String {
        let mut header = self.header.clone();
        header[name] = value;
        self.signed(&header, &self.claims)
    }

    fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        claims[name] = value;
        self.signed(&self.header, &claims)
    }

    async fn is_accepted(&self, token: &str) -> bool {
        match self.world.sessions.authenticate(token).await {
            Ok(caller) => caller.user.id == self.world.alice,
            Err(AuthError::InvalidToken) => false,
            Err(other) => panic!("{other:?}"),
        }
    }

    async fn assert_refused(&self, token: &str) {
        assert!(!self.is_accepted(token).await, "{token}");
    }
}

#[tokio::test]
async fn a_token_says_what_it_must_and_no_more() {
    let token = Token::new().await;
    let now = token.world.clock.now().as_seconds();
    let mut claims = token.claims.as_object().unwrap().clone();
    assert!(claims.remove("jti").unwrap().as_str().unwrap().len() >= 16);
    assert!(claims.remove("sid").is_some());
    let expected = json!({
        "iss": "llm-gateway", "aud": "llm-gateway", "sub": token.world.alice.to_string(), "typ": "access",
        "iat": now, "nbf": now, "exp": now + 900,
    });
    assert_eq!(Value::Object(claims), expected);
    assert_eq!(token.header["alg"], "HS256");
    assert!(token.header["kid"].is_string());
    assert!(
        token
            .is_accepted(&token.signed(&token.header, &token.claims))
            .await,
        "the tests sign as we do"
    );
}

#[tokio::test]
async fn no_algorithm_but_ours_is_accepted() {
    let token = Token::new().await;
    let mut header = token.header.clone();
    for (name, algorithm) in [("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
        header["alg"] = name.into();
        token
            .assert_refused(&sign(
                &header.to_string(),
                &token.claims.to_string(),
                SECRET,
                algorithm,
            ))
            .await;
    }
    for name in [
        "none", "None", "NONE", "", "HS256 ", "hs256", "RS256", "ES256", "EdDSA", "PS256",
    ] {
        let signed = token.with_header("alg", name.into());
        token.assert_refused(&signed).await;
        token
            .assert_refused(&format!("{}.", signed.rsplit_once('.').unwrap().0))
            .await;
    }
    for value in [Value::Null, json!(["HS256"]), json!(256)] {
        token.assert_refused(&token.with_header("alg", value)).await;
    }
}

#[tokio::test]
async fn only_our_own_keys_are_accepted() {
    let token = Token::new().await;
    for kid in [
        json!(""),
        json!("other"),
        Value::Null,
        json!(1),
        json!("../../dev/null"),
    ] {
        token.assert_refused(&token.with_header("kid", kid)).await;
    }
    let mut without = token.header.clone();
    without.as_object_mut().unwrap().remove("kid");
    token.assert_refused(&token.signed(&without, &token.claims)).await;

    let (header, claims) = (token.header.to_string(), token.claims.to_string());
    for secret in ["", "another secret that is long enough", &SECRET[1..]] {
        token
            .assert_refused(&sign(&header, &claims, secret, hmac::HMAC_SHA256))
            .await;
    }
    let mut header = token.header.clone();
    let theirs = "an attacker's own key, sent along";
    header["jwk"] = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(theirs)});
    header["jku"] = json!("https://attacker.example/keys");
    header["x5u"] = json!("https://attacker.example/cert");
    token
        .assert_refused(&sign(&header.to_string(), &claims, theirs, hmac::HMAC_SHA256))
        .await;
}

#[tokio::test]
async fn what_is_critical_and_unknown_is_refused() {
    let token = Token::new().await;
    token
        .assert_refused(&token.with_header("crit", json!(["exp"])))
        .await;
    token.assert_refused(&token.with_header("crit", json!([]))).await;
}

#[tokio::test]
async fn every_claim_is_required_and_of_one_type() {
    let token = Token::new().await;
    let names: Vec<String> = token.claims.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names.len(), 9);
    for name in names {
        let mut claims = token.claims.clone();
        let good = claims.as_object_mut().unwrap().remove(&name).unwrap();
        token.assert_refused(&token.signed(&token.header, &claims)).await;
        let other_type = if good.is_string() {
            json!(1)
        } else {
            json!(good.to_string())
        };
        for bad in [
            Value::Null,
            json!(true),
            json!([good]),
            json!({"a": good}),
            other_type,
            json!(1.5e300),
        ] {
            token.assert_refused(&token.with_claim(&name, bad)).await;
        }
        let twice = format!("{{\"{name}\":{good},{}", &token.claims.to_string()[1..]);
        token
            .assert_refused(&sign(
                &token.header.to_string(),
                &twice,
                SECRET,
                hmac::HMAC_SHA256,
            ))
            .await;
    }
}

#[tokio::test]
async fn a_token_for_or_of_somebody_else_is_refused() {
    let token = Token::new().await;
    for (name, value) in [
        ("iss", json!("somebody")),
        ("aud", json!("somebody")),
        ("typ", json!("refresh")),
        ("jti", json!("")),
        ("sub", json!(UserId::random())),
        ("sub", json!(token.world.root)),
        ("sid", json!(SessionId::random())),
        ("sub", json!("admin")),
    ] {
        token.assert_refused(&token.with_claim(name, value)).await;
    }
}

#[tokio::test]
async fn a_token_ends_to_the_second() {
    let token = Token::new().await;
    token.world.advance_seconds(899);
    assert!(token.world.who(&token.pair).await.is_ok());
    token.world.advance_seconds(1);
    assert!(matches!(
        token.world.who(&token.pair).await,
        Err(AuthError::InvalidToken)
    ));
    token.assert_refused(&token.with_claim("exp", json!(-1))).await;
    token
        .assert_refused(&token.with_claim("exp", json!(i64::MIN)))
        .await;
}

#[tokio::test]
async fn another_clock_may_be_half_a_minute_ahead() {
    let token = Token::new().await;
    let now = token.world.clock.now().as_seconds();
    for name in ["iat", "nbf"] {
        assert!(token.is_accepted(&token.with_claim(name, json!(now + 30))).await);
        token
            .assert_refused(&token.with_claim(name, json!(now + 31)))
            .await;
        token
            .assert_refused(&token.with_claim(name, json!(i64::MAX)))
            .await;
    }
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let token = Token::new().await;
    let good = token.pair.access_token.expose_secret();
    let flipped: String = good.chars().rev().collect();
    for text in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "sk-gw-3fK9abcdefgh-x",
        &flipped,
        &good[1..],
        &good[..good.len() - 1],
        &format!("{good}."),
        &format!("{good}="),
        &format!("{good} "),
        &format!("Bearer {good}"),
        &"A".repeat(1 << 20),
        token.pair.refresh_token.expose_secret(),
    ] {
        token.assert_refused(text).await;
    }
}

#[tokio::test]
async fn a_secret_is_replaced_without_signing_anybody_out() {
    let world = World::new();
    let old = world.alice().await;
    let next = AuthSettings {
        jwt_secret: Some("another secret, just as long as the first".into()),
        previous_jwt_secret: Some(SECRET.into()),
        ..settings()
    };
    let rotated = world.another(&next);
    assert!(
        rotated
            .authenticate(old.access_token.expose_secret())
            .await
            .is_ok()
    );
    let new = rotated
        .sign_in(typed("192.0.2.1", "alice", PASSWORD))
        .await
        .unwrap();
    assert!(
        rotated
            .authenticate(new.access_token.expose_secret())
            .await
            .is_ok()
    );
    assert!(
        world.who(&new).await.is_err(),
        "the old process does not know the new secret"
    );

    let finished = world.another(&AuthSettings {
        previous_jwt_secret: None,
        ..next
    });
    assert!(
        finished
            .authenticate(old.access_token.expose_secret())
            .await
            .is_err()
    );
    assert!(
        finished
            .authenticate(new.access_token.expose_secret())
            .await
            .is_ok()
    );
}
