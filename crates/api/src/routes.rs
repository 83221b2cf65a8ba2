use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Resource, middleware};
use gateway_proxy::Engine;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::app::App;
use crate::error::Problem;
use crate::guard::Guarded;
use crate::policy::Public;
use crate::{
    account_prices, accounts, alerts, audit, auth, docs, exchange, keys, llm, operations, prices, reconcile,
    routing, usage, users,
};

/// Declares every route once: for actix, for the OpenAPI document, and for `Allow`.
macro_rules! routes {
    ($($path:literal => { $($method:ident $($handler:ident)::+),+ })*) => {
        /// Every path, with its methods.
        #[cfg(test)]
        const ROUTES: &[(&str, &[&str])] = &[$(($path, &[$(stringify!($method)),+])),*];

        fn register(config: &mut ServiceConfig) {
            $(config.service(
                Resource::new(pattern($path))
                    $(.route(web::$method().to(Guarded($($handler)::+))))+
                    .default_service(web::to(Guarded(|_: Public| async {
                        Err::<HttpResponse, _>(Problem::method_not_allowed(&[$(stringify!($method)),+]))
                    }))),
            );)*
        }

        #[derive(OpenApi)]
        #[openapi(
            info(
                title = "LLM gateway",
                description = "One address for many LLM accounts: API keys, upstream accounts, usage and cost.",
            ),
            paths($($($($handler)::+),+),*),
            modifiers(&Security),
            tags(
                (name = "auth", description = "Signing in"),
                (name = "users", description = "Who can sign in"),
                (name = "keys", description = "The gateway's own API keys"),
                (name = "accounts", description = "Accounts at providers"),
                (name = "usage", description = "What was used and what it cost"),
                (name = "prices", description = "What a million tokens cost"),
                (name = "routing", description = "Which account serves, and why"),
                (name = "alerts", description = "What operators are told"),
                (name = "audit", description = "Who did what"),
                (name = "llm", description = "The routes that LLM clients call"),
                (name = "operations", description = "Health, metrics, documentation"),
            ),
        )]
        pub(crate) struct Document;
    };
}

routes! {
    "/api/auth/login" => { post auth::login }
    "/api/auth/refresh" => { post auth::refresh }
    "/api/auth/logout" => { post auth::logout }
    "/api/auth/me" => { get auth::me }
    "/api/auth/password" => { post auth::change_password }

    "/api/users" => { get users::list, post users::create }
    "/api/users/{id}" => { get users::read, put users::update, delete users::remove }

    "/api/keys" => { get keys::list, post keys::create }
    "/api/keys/{id}" => { get keys::read, put keys::update, delete keys::remove }
    "/api/keys/{id}/rotate" => { post keys::rotate }

    "/api/upstream-accounts" => { get accounts::list, post accounts::create }
    "/api/upstream-accounts/{id}" => { get accounts::read, put accounts::update, delete accounts::remove }
    "/api/upstream-accounts/{id}/health" => { get accounts::health }
    "/api/upstream-accounts/{id}/reset" => { post accounts::reset }
    "/api/upstream-accounts/{id}/prices" => { get account_prices::list }
    "/api/upstream-accounts/{id}/prices/{model}" => { put account_prices::set, delete account_prices::unset }

    "/api/usage/summary" => { get usage::summary }
    "/api/usage/timeseries" => { get usage::timeseries }
    "/api/usage/requests" => { get usage::requests }
    "/api/usage/requests/{id}" => { get usage::request }
    "/api/usage/export" => { get usage::export }
    "/api/usage/reconcile" => { get reconcile::reconcile }

    "/api/prices" => { get prices::list }
    "/api/prices/{model}" => { put prices::set, delete prices::unset }

    "/api/routing/simulate" => { post routing::simulate }

    "/api/alerts" => { get alerts::list }
    "/api/alerts/test" => { post alerts::test }

    "/api/audit-log" => { get audit::list }

    "/v1/messages" => { post llm::create_message }
    "/v1/messages/count_tokens" => { post llm::count_tokens }
    "/v1/chat/completions" => { post llm::create_chat_completion }
    "/v1/responses" => { post llm::create_response }
    "/v1/models" => { get llm::list_models }
    "/v1/models/{id}" => { get llm::model, post llm::generate_v1 }
    "/v1beta/models" => { get llm::list_gemini_models }
    "/v1beta/models/{id}" => { get llm::gemini_model, post llm::generate_v1beta }
    "/v1/usage" => { get llm::own_usage }

    "/" => { get operations::root, head operations::root_head }
    "/healthz" => { get operations::alive }
    "/readyz" => { get operations::ready }
    "/health" => { get operations::overview }
    "/metrics" => { get operations::metrics }
    "/openapi.json" => { get docs::document }
    "/docs" => { get docs::page }
    "/docs/" => { get docs::index }
    "/docs/{file}" => { get docs::file }
}

/// A path as actix matches it: the names of some models have slashes.
fn pattern(path: &str) -> String {
    if path.ends_with("/models/{id}") {
        path.replace("{id}", "{id:.+}")
    } else {
        path.replace("{model}", "{model:.+}")
    }
}

/// Adds every route to a worker's application, and makes the engine with the worker's own connections.
pub fn configure(config: &mut ServiceConfig, app: &web::Data<App>) {
    config.app_data(app.clone());
    config.app_data(web::Data::new(Engine::new(app.proxy.clone())));
    config.service(
        web::scope("")
            .wrap(middleware::from_fn(exchange::surround))
            .configure(register)
            .default_service(web::to(Guarded(nothing))),
    );
    // A request for `*` is for no path at all, and in no scope.
    config.default_service(web::to(Guarded(nothing)).wrap(middleware::from_fn(exchange::surround)));
}

async fn nothing(_: Public) -> Result<HttpResponse, Problem> {
    Err(Problem::not_found())
}

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = |description: &str, format: Option<&str>| {
            let mut http = HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some(description));
            if let Some(format) = format {
                http = http.bearer_format(format);
            }
            SecurityScheme::Http(http.build())
        };
        let header = |name: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(name)));
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("session", bearer("The access token of a sign-in", Some("JWT")));
        components.add_security_scheme("metrics_token", bearer("The configured token for metrics", None));
        components.add_security_scheme("bearer_key", bearer("An API key of the gateway", None));
        components.add_security_scheme("x_api_key", header("x-api-key"));
        components.add_security_scheme("x_goog_api_key", header("x-goog-api-key"));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::ROUTES;
    use crate::document::document;

    #[test]
    fn the_document_has_every_route_and_no_other() {
        let document = document();
        let mut documented = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                assert!(
                    operation["responses"]
                        .as_object()
                        .is_some_and(|all| !all.is_empty()),
                    "{method} {path}"
                );
                documented.insert(format!("{method} {path}"));
            }
        }
        let declared: BTreeSet<String> = ROUTES
            .iter()
            .flat_map(|(path, methods)| methods.iter().map(move |method| format!("{method} {path}")))
            .collect();
        assert_eq!(documented, declared);
        assert_eq!(document["openapi"], "3.1.0");
    }

    #[test]
    fn every_reference_in_the_document_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
        for scheme in [
            "session",
            "metrics_token",
            "bearer_key",
            "x_api_key",
            "x_goog_api_key",
        ] {
            assert!(
                document["components"]["securitySchemes"][scheme].is_object(),
                "{scheme}"
            );
        }
    }
}
