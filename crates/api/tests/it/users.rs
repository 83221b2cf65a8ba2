use gateway_domain::Role;
use serde_json::{Value, json};

use crate::gateway::{PASSWORD, TestGateway};
use crate::on_both_databases;

fn newcomer() -> Value {
    json!({"username": "ann", "email": "ann@example.org", "password": "Some-Long-Password", "role": "member"})
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

async fn create(gateway: &TestGateway, body: &Value) -> crate::client::Reply {
    gateway
        .post("/api/users")
        .bearer(&gateway.admin)
        .json(body)
        .send()
        .await
}

on_both_databases! {
    async fn users_are_made_read_listed_changed_and_deleted(gateway) {
        let reply = create(&gateway, &newcomer()).await.expect(201);
        let user = reply.json();
        let path = format!("/api/users/{}", user["id"].as_str().unwrap());
        assert_eq!(reply.header("location"), Some(path.as_str()));
        assert_eq!(user["must_change_password"], true);
        assert!(!reply.text().contains("password_hash") && !reply.text().contains("Some-Long"));
        assert_eq!(gateway.get(&path).bearer(&gateway.admin).send().await.expect(200).json(), user);

        let found = gateway.list(&gateway.admin, "/api/users?q=ANN%40EX").await;
        assert_eq!(found, std::slice::from_ref(&user));
        assert!(gateway.list(&gateway.admin, "/api/users?q=%25").await.is_empty());
        let page = gateway.get("/api/users?page=2&page_size=1").bearer(&gateway.admin).send().await.json();
        assert_eq!((&page["page"], &page["page_size"]), (&json!(2), &json!(1)));
        assert_eq!(page["data"].as_array().unwrap().len(), 1);
        assert_eq!(page["total"], 4);

        let change = json!({"email": "ann@elsewhere.org", "role": "admin"});
        let changed = gateway.put(&path).bearer(&gateway.admin).json(&change).send().await.expect(200).json();
        assert_eq!((&changed["email"], &changed["role"]), (&json!("ann@elsewhere.org"), &json!("admin")));
        assert_eq!(changed["username"], "ann");

        gateway.delete(&path).bearer(&gateway.admin).send().await.expect(204);
        gateway.get(&path).bearer(&gateway.admin).send().await.expect(404);
        gateway.delete(&path).bearer(&gateway.admin).send().await.expect(404);
        gateway.put(&path).bearer(&gateway.admin).json(&json!({})).send().await.expect(404);
    }

    async fn names_and_addresses_are_taken_whatever_their_case(gateway) {
        create(&gateway, &newcomer()).await.expect(201);
        let same_name = with(with(newcomer(), "username", json!("ANN")), "email", json!("b@example.org"));
        assert_eq!(create(&gateway, &same_name).await.expect(409).code(), "username_taken");
        let same_email = with(with(newcomer(), "username", json!("bob")), "email", json!("Ann@Example.org"));
        assert_eq!(create(&gateway, &same_email).await.expect(409).code(), "email_taken");
        let bob = create(&gateway, &with(same_email, "email", json!("bob@example.org"))).await.expect(201).json();
        let path = format!("/api/users/{}", bob["id"].as_str().unwrap());
        let change = json!({"email": "ann@example.org"});
        let reply = gateway.put(&path).bearer(&gateway.admin).json(&change).send().await.expect(409);
        assert_eq!(reply.code(), "email_taken");
    }

    async fn what_is_not_valid_is_named(gateway) {
        for (field, value) in [
            ("username", json!("")),
            ("username", json!("a b")),
            ("username", json!("ann@home")),
            ("username", json!("x".repeat(65))),
            ("username", json!(7)),
            ("email", json!("nobody")),
            ("email", json!("a\u{0}@b.c")),
            ("password", json!("short")),
            ("password", json!("x".repeat(73))),
            ("role", json!("owner")),
            ("is_admin", json!(true)),
            ("id", json!("0199aaaa-0000-7000-8000-000000000000")),
        ] {
            let reply = create(&gateway, &with(newcomer(), field, value.clone())).await.expect(422);
            assert_eq!(reply.fields(), [field], "{field} {value}");
        }
        let mut body = newcomer();
        body.as_object_mut().unwrap().remove("email");
        assert_eq!(create(&gateway, &body).await.expect(422).fields(), ["email"]);
        let admin_with_short_password =
            with(with(newcomer(), "role", json!("admin")), "password", json!("Elevenchars"));
        assert_eq!(create(&gateway, &admin_with_short_password).await.expect(422).fields(), ["password"]);
    }

    async fn the_last_active_admin_stays(gateway) {
        // The seeded one would be another.
        for user in gateway.list(&gateway.admin, "/api/users?q=example.com").await {
            let path = format!("/api/users/{}", user["id"].as_str().unwrap());
            gateway.delete(&path).bearer(&gateway.admin).send().await.expect(204);
        }
        let me = gateway.me(&gateway.admin).await.json();
        let path = format!("/api/users/{}", me["id"].as_str().unwrap());
        for change in [json!({"is_active": false}), json!({"role": "member"})] {
            let reply = gateway.put(&path).bearer(&gateway.admin).json(&change).send().await.expect(409);
            assert_eq!(reply.code(), "last_admin");
        }
        let reply = gateway.delete(&path).bearer(&gateway.admin).send().await.expect(409);
        assert_eq!(reply.code(), "last_admin");
        gateway.user("second", Role::Admin).await;
        gateway.delete(&path).bearer(&gateway.admin).send().await.expect(204);
        gateway.me(&gateway.admin).await.expect(401);
    }

    async fn deactivation_bites_at_once_sign_ins_and_keys_included(gateway) {
        gateway.make_account(&gateway.admin, json!({})).await;
        let ann = gateway.member("ann").await;
        let key = gateway.make_key(&ann.token, json!({})).await;
        let key = key["key"].as_str().unwrap();
        gateway.message(key).send().await.expect(200);
        let path = format!("/api/users/{}", ann.id);
        gateway.put(&path).bearer(&gateway.admin).json(&json!({"is_active": false})).send().await.expect(200);
        gateway.me(&ann.token).await.expect(401);
        gateway.message(key).send().await.expect(401);
        gateway.put(&path).bearer(&gateway.admin).json(&json!({"is_active": true})).send().await.expect(200);
        gateway.message(key).send().await.expect(200);
        gateway.delete(&path).bearer(&gateway.admin).send().await.expect(204);
        gateway.message(key).send().await.expect(401);
    }

    async fn a_password_set_by_an_admin_ends_the_sign_ins(gateway) {
        let ann = gateway.member("ann").await;
        let path = format!("/api/users/{}", ann.id);
        let change = json!({"password": "Set-By-The-Admin-1"});
        let user = gateway.put(&path).bearer(&gateway.admin).json(&change).send().await.expect(200).json();
        assert_eq!(user["must_change_password"], true);
        gateway.me(&ann.token).await.expect(401);
        let sign_in = |password: &str| {
            gateway.post("/api/auth/login").json(&json!({"username": ann.username, "password": password}))
        };
        sign_in(PASSWORD).send().await.expect(401);
        sign_in("Set-By-The-Admin-1").send().await.expect(200);
    }
}
