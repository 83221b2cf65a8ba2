use gateway_alerting::{InvalidSecret, Signer};
use gateway_domain::Timestamp;

/// The example of the Standard Webhooks libraries; Python's `hmac` and `base64` make the same of it:
///
/// ```python
/// key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
/// message = b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}'
/// base64.b64encode(hmac.new(key, message, hashlib.sha256).digest())
/// ```
#[test]
fn signs_as_the_standard_says() {
    let signer = Signer::new(&"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()).unwrap();
    let at = Timestamp::from_micros(1_614_265_330_999_999);
    assert_eq!(
        signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
    assert_eq!(format!("{signer:?}"), "Signer { .. }");
}

#[test]
fn a_secret_that_is_none_is_refused() {
    for wrong in [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_not base64 at all, but long enough",
        "whsec_c2hvcnQ=",
        &format!("whsec_{}", "AAAA".repeat(22)),
    ] {
        assert_eq!(Signer::new(&wrong.into()).err(), Some(InvalidSecret), "{wrong}");
    }
    assert!(Signer::new(&format!("whsec_{}", "AAAA".repeat(21)).into()).is_ok());
}
