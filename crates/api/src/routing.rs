use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use gateway_auth::{Caller, Scope};
use gateway_balancing::{Consideration, Delivery, NoAccount};
use gateway_domain::{AccountId, ApiKey, ApiKeyId, Dialect, ProviderKind, UpstreamAccount};
use gateway_proxy::Question;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::{self, App};
use crate::body::Json;
use crate::error::Problem;
use crate::face::Envelope;
use crate::policy::Admin;
use crate::rules::Check;

/// Tokens beyond what any model reads; more would only be a mistake.
const MOST_TOKENS: u64 = 100_000_000;

/// A request as far as routing would look at it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Simulation {
    /// The model that the client would name.
    #[schema(min_length = 1, max_length = 256)]
    model: String,
    /// The key that it would come with; without one, a key of the caller's that may do everything.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    key_id: Option<ApiKeyId>,
    /// The wire format of the client.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^(anthropic|openai_chat|openai_responses|gemini)$")]
    dialect: Option<String>,
    /// Whether the answer would be streamed.
    #[serde(default)]
    stream: Option<bool>,
    /// The input tokens of the request, where limits and prices shall be weighed.
    #[serde(default)]
    #[schema(maximum = 100_000_000)]
    input_tokens: Option<u64>,
    /// The output tokens to expect.
    #[serde(default)]
    #[schema(maximum = 100_000_000)]
    output_tokens: Option<u64>,
}

/// The decision that the proxy would take now.
#[derive(Serialize, ToSchema)]
pub(crate) struct SimulatedDecision {
    /// How it is picked.
    #[schema(value_type = String, example = "smart")]
    strategy: &'static str,
    /// The account that would serve, `null` where none can.
    #[schema(value_type = Option<Uuid>)]
    account_id: Option<AccountId>,
    /// Why none can. Where all are full the request would wait for a place.
    refusal: Option<String>,
    /// Every account, the picked one first.
    candidates: Vec<CandidateView>,
}

/// What is thought of one account.
#[derive(Serialize, ToSchema)]
#[schema(as = RoutingCandidate)]
struct CandidateView {
    #[schema(value_type = Uuid)]
    account_id: AccountId,
    name: String,
    #[schema(value_type = String, pattern = "^(anthropic|gemini|openai)$")]
    provider: ProviderKind,
    /// The provider's name for the model; `null` if the account does not serve it.
    upstream_model: Option<String>,
    /// Whether it would serve.
    picked: bool,
    /// What the strategy compares, lower being better; `null` for those that are not compared.
    score: Option<f64>,
    /// What the score is made of.
    parts: BTreeMap<&'static str, f64>,
    /// Why it is passed over, or tried for want of a better one; `null` for those that are compared.
    reason: Option<String>,
}

/// Ask which account would serve a request now, and why; nothing is sent.
#[utoipa::path(post, path = "/api/routing/simulate", tag = "routing", security(("session" = [])),
    request_body = Simulation, responses(
    (status = 200, description = "The decision", body = SimulatedDecision),
    (status = 400, description = "The body is not JSON", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "Not an admin, or `password_change_required`", body = Envelope),
    (status = 408, description = "The body did not arrive in time", body = Envelope),
    (status = 413, description = "The body is too long", body = Envelope),
    (status = 415, description = "The body is not said to be JSON", body = Envelope),
    (status = 422, description = "A field is invalid", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn simulate(
    Admin(caller): Admin,
    request: HttpRequest,
    Json(simulation): Json<Simulation>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    simulation.check()?;
    let key = key_of(app, &caller, simulation.key_id).await?;
    let (picked, decision) = app.proxy.decide(&Question {
        key: &key,
        model: &simulation.model,
        delivery: if simulation.stream == Some(true) {
            Delivery::Streamed
        } else {
            Delivery::Whole
        },
        input_tokens: simulation.input_tokens.unwrap_or(0),
        output_tokens: simulation.output_tokens.unwrap_or(0),
    });
    let accounts = app.proxy.catalogue().pool().accounts();
    let accounts: HashMap<AccountId, Arc<UpstreamAccount>> = accounts
        .into_iter()
        .map(|account| (account.id, account))
        .collect();
    let considered = decision.considered.into_iter();
    Ok(HttpResponse::Ok().json(SimulatedDecision {
        strategy: decision.strategy,
        account_id: picked.ok(),
        refusal: picked.err().as_ref().map(NoAccount::to_string),
        candidates: considered
            .filter_map(|considered| {
                let account = accounts.get(&considered.account_id)?;
                Some(CandidateView::new(considered, account, &simulation.model))
            })
            .collect(),
    }))
}

impl Simulation {
    fn check(&self) -> Result<(), Problem> {
        let mut check = Check::default();
        check.require(
            (1..=256).contains(&self.model.len()),
            "model",
            "expected 1 to 256 characters",
        );
        let tokens = [
            ("input_tokens", self.input_tokens),
            ("output_tokens", self.output_tokens),
        ];
        for (field, count) in tokens {
            check.within(field, count.unwrap_or(0), 0, MOST_TOKENS);
        }
        if let Some(Err(error)) = self.dialect.as_deref().map(str::parse::<Dialect>) {
            check.refuse("dialect", error.to_string());
        }
        check.finish()
    }
}

/// The key that is asked about.
async fn key_of(app: &App, caller: &Caller, id: Option<ApiKeyId>) -> Result<ApiKey, Problem> {
    let Some(id) = id else {
        return Ok(ApiKey::unrestricted(caller.user.id, app.clock.now()));
    };
    let key = app.store.find_key(Scope::Everyone, id).await?;
    key.ok_or_else(|| Problem::invalid_field("key_id", "there is no such key"))
}

impl CandidateView {
    fn new(considered: Consideration, account: &UpstreamAccount, model: &str) -> Self {
        Self {
            account_id: account.id,
            name: account.name.clone(),
            provider: account.provider,
            upstream_model: account.upstream_model(model).map(str::to_owned),
            picked: considered.is_picked,
            score: considered.score,
            parts: considered.parts.into_iter().collect(),
            reason: considered.reason,
        }
    }
}
