use gateway_auth::{PasswordHash, PasswordHasher, Verdict};

use crate::world::hash_of;

async fn verify(password: &str, hash: &PasswordHash) -> Verdict {
    PasswordHasher::new(10, 2, 10)
        .verify(password.into(), Some(hash))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_password_matches_its_own_hash_only() {
    let hasher = PasswordHasher::new(10, 2, 10);
    let hash = hasher.hash("correct horse".into()).await.unwrap();
    assert!(hash.as_str().starts_with("$2b$10$"), "{}", hash.as_str());
    assert_eq!(verify("correct horse", &hash).await, Verdict::Right);
    assert_eq!(verify("Correct horse", &hash).await, Verdict::Wrong);
    assert_eq!(
        hasher.verify("correct horse".into(), None).await,
        Ok(Verdict::Wrong)
    );
    assert_ne!(
        hasher.hash("correct horse".into()).await.unwrap(),
        hash,
        "the salt is new each time"
    );
}

#[tokio::test]
async fn the_cost_never_falls_below_ten() {
    let hash = PasswordHasher::new(4, 0, 10)
        .hash("correct horse".into())
        .await
        .unwrap();
    assert!(hash.as_str().starts_with("$2b$10$"));
}

#[tokio::test]
async fn bytes_past_the_72nd_are_not_ignored() {
    let longest = "x".repeat(72);
    let hash = hash_of(&longest, 4);
    assert_eq!(verify(&longest, &hash).await, Verdict::RightButOutdated);
    assert_eq!(verify(&format!("{longest}y"), &hash).await, Verdict::Wrong);
    assert!(
        bcrypt::verify(format!("{longest}y"), hash.as_str()).unwrap(),
        "as bcrypt itself would have it"
    );
}

#[tokio::test]
async fn a_nul_is_never_part_of_a_password() {
    let hash = hash_of("before\0after", 4);
    assert_eq!(verify("before\0after", &hash).await, Verdict::Wrong);
}

#[tokio::test]
async fn a_hash_of_another_cost_is_outdated() {
    assert_eq!(
        verify("correct horse", &hash_of("correct horse", 4)).await,
        Verdict::RightButOutdated
    );
    assert_eq!(
        verify("another horse", &hash_of("correct horse", 4)).await,
        Verdict::Wrong
    );
    assert_eq!(
        verify("correct horse", &hash_of("correct horse", 11)).await,
        Verdict::RightButOutdated
    );
}
