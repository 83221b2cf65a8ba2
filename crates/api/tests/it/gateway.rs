//! One gateway for one test.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use actix_web::{HttpServer, web};
use gateway_api::{
    ApiSettings, App, ConnectionLimits, Connections, Rooms, StoredAccounts, StoredUsage, configure,
};
use gateway_auth::{
    AuthSettings, KeyHasher, KeyRing, KeyRingSettings, MasterKey, PasswordHasher, Sessions, Vault,
};
use gateway_balancing::{Pool, PoolSettings};
use gateway_domain::{Budget, Clock, Limits, ManualClock, Role};
use gateway_ledger::{Ledger, LedgerSettings};
use gateway_metering::PriceCatalogue;
use gateway_providers::{AddressPolicy, Exception};
use gateway_proxy::{Catalogue, CatalogueRates, Network, Prices, ProxySettings, Shared};
use gateway_simulator::Simulator;
use gateway_store::{Actor, NewUser, Store};
use ipnet::IpNet;
use serde_json::{Value, json};

use crate::client::{Reply, Request};
use crate::database::{Database, Kind};

/// The password of every user that the tests make.
pub(crate) const PASSWORD: &str = "Correct-Horse-42-Battery";

/// What the simulator takes for a credential.
pub(crate) const CREDENTIAL: &str = "sk-ant-simulated-wxyz";

/// A gateway that listens on a port of this machine, until it is dropped.
pub(crate) struct TestGateway {
    pub(crate) address: SocketAddr,
    server: ServerHandle,
    thread: Option<JoinHandle<()>>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) provider: Simulator,
    pub(crate) app: web::Data<App>,
    /// The access token of an admin who may do everything.
    pub(crate) admin: String,
    // Dropped last.
    _database: Database,
}

/// A user with a sign-in.
pub(crate) struct TestUser {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) token: String,
}

impl TestGateway {
    pub(crate) async fn start(kind: Kind) -> Self {
        Self::start_with(kind, ApiSettings::default()).await
    }

    pub(crate) async fn start_with(kind: Kind, settings: ApiSettings) -> Self {
        let database = Database::create(kind).await;
        let clock = Arc::new(ManualClock::at("2026-06-15T12:00:00Z".parse().expect("a time")));
        let provider = Simulator::builder()
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .start()
            .await;
        let own_clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let rooms = rooms(&database, own_clock, &settings.trusted_proxies).await;
        let app = web::Data::new(App::new(rooms, settings));
        app.reload_accounts()
            .await
            .expect("an empty database can be read");
        app.readiness.open();
        let (address, server, thread) = serve(&app);
        let mut gateway = Self {
            address,
            server,
            thread: Some(thread),
            clock,
            provider,
            app,
            admin: String::new(),
            _database: database,
        };
        gateway.make_user("root", Role::Admin).await;
        gateway.admin = gateway.sign_in("root").await;
        gateway
    }

    pub(crate) fn request(&self, method: &str, target: &str) -> Request {
        Request::new(self.address, method, target)
    }

    pub(crate) fn get(&self, target: &str) -> Request {
        self.request("GET", target)
    }

    pub(crate) fn post(&self, target: &str) -> Request {
        self.request("POST", target)
    }

    pub(crate) fn put(&self, target: &str) -> Request {
        self.request("PUT", target)
    }

    pub(crate) fn delete(&self, target: &str) -> Request {
        self.request("DELETE", target)
    }

    /// Makes a user who need not change the password, which no call of the API can do.
    pub(crate) async fn make_user(&self, username: &str, role: Role) -> String {
        let password_hash = self
            .app
            .sessions
            .hash_new_password(PASSWORD.to_owned().into(), role)
            .await
            .expect("a good password");
        let user = NewUser {
            username: username.to_owned(),
            email: format!("{username}@example.org"),
            password_hash,
            role,
            must_change_password: false,
            limits: Limits::default(),
            budget: Budget::unlimited(),
        };
        self.app
            .store
            .by(Actor::gateway("test"))
            .create_user(user)
            .await
            .expect("a new user")
            .id
            .to_string()
    }

    pub(crate) async fn sign_in(&self, username: &str) -> String {
        let body = json!({"username": username, "password": PASSWORD});
        let reply = self.post("/api/auth/login").json(&body).send().await.expect(200);
        reply.json()["access_token"].as_str().expect("a token").to_owned()
    }

    pub(crate) async fn member(&self, username: &str) -> TestUser {
        self.user(username, Role::Member).await
    }

    pub(crate) async fn user(&self, username: &str, role: Role) -> TestUser {
        let id = self.make_user(username, role).await;
        TestUser {
            id,
            username: username.to_owned(),
            token: self.sign_in(username).await,
        }
    }

    /// Makes an API key and returns it as it was shown: with `key` in it.
    pub(crate) async fn make_key(&self, token: &str, wishes: Value) -> Value {
        let mut body = json!({"name": "test"});
        if let (Some(body), Value::Object(wishes)) = (body.as_object_mut(), wishes) {
            body.extend(wishes);
        }
        self.post("/api/keys")
            .bearer(token)
            .json(&body)
            .send()
            .await
            .expect(201)
            .json()
    }

    /// Adds an account at the simulator.
    pub(crate) async fn make_account(&self, token: &str, wishes: Value) -> Value {
        let mut body = json!({
            "name": "simulated",
            "provider": "anthropic",
            "credential": {"type": "api_key", "api_key": CREDENTIAL},
            "base_url": self.provider.base_url(),
        });
        if let (Some(body), Value::Object(wishes)) = (body.as_object_mut(), wishes) {
            body.extend(wishes);
        }
        self.post("/api/upstream-accounts")
            .bearer(token)
            .json(&body)
            .send()
            .await
            .expect(201)
            .json()
    }

    /// Sends a message with `key`.
    pub(crate) fn message(&self, key: &str) -> Request {
        self.post("/v1/messages")
            .header("x-api-key", key)
            .header("anthropic-version", "2023-06-01")
            .json(&message())
    }

    /// Waits until everything that was used is in the database.
    pub(crate) async fn settle(&self) {
        self.app.proxy.ledger().flush().await;
    }

    /// A list's rows.
    pub(crate) async fn list(&self, token: &str, target: &str) -> Vec<Value> {
        let reply = self.get(target).bearer(token).send().await.expect(200);
        reply.json()["data"].as_array().expect("a list").clone()
    }

    pub(crate) async fn me(&self, token: &str) -> Reply {
        self.get("/api/auth/me").bearer(token).send().await
    }
}

/// The smallest message.
pub(crate) fn message() -> Value {
    json!({
        "model": "claude-sonnet-5-5",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "Hi"}],
    })
}

/// The limits of whatever was made without any.
pub(crate) fn no_limits() -> Value {
    json!({
        "requests_per_minute": null, "tokens_per_minute": null, "input_tokens_per_minute": null,
        "output_tokens_per_minute": null, "concurrent_requests": null, "burst_requests": null,
    })
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        // The order goes out at once; only the word that it was carried out would be awaited.
        drop(self.server.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn rooms(database: &Database, clock: Arc<dyn Clock>, trusted_proxies: &[IpNet]) -> Rooms {
    let store = Store::open(&database.settings, Arc::clone(&clock))
        .await
        .expect("a database");
    store.migrate().await.expect("a fresh database can be migrated");
    let store = Arc::new(store);
    let master_key = MasterKey::from_bytes(&[7; 32]).expect("32 bytes");
    let vault = Arc::new(Vault::new(&master_key));
    let auth = AuthSettings {
        jwt_secret: Some("0123456789abcdefghijklmnopqrstuvwxyz".to_owned().into()),
        bcrypt_cost: 10,
        ..AuthSettings::default()
    };
    let hasher = PasswordHasher::new(auth.bcrypt_cost, auth.bcrypt_concurrency, auth.bcrypt_queue);
    let sessions = Sessions::new(store.clone(), hasher, &auth, Arc::clone(&clock)).expect("good settings");
    let keys = KeyRing::new(
        store.clone(),
        KeyHasher::new(&master_key),
        Arc::clone(&clock),
        KeyRingSettings::default(),
    );
    let prices = Arc::new(Prices::new(PriceCatalogue::embedded()));
    let rates = CatalogueRates::new(Arc::clone(&prices), Arc::clone(&clock));
    let pool = Pool::new(Arc::clone(&clock), PoolSettings::default(), Arc::new(rates)).expect("a strategy");
    let accounts = Arc::new(StoredAccounts::new(Arc::clone(&store), Arc::clone(&vault)));
    let catalogue = Arc::new(Catalogue::new(accounts, Arc::new(pool)));
    let ledger = Arc::new(Ledger::start(
        Arc::new(StoredUsage::new(Arc::clone(&store))),
        LedgerSettings {
            batch_interval_ms: 1,
            ..LedgerSettings::default()
        },
    ));
    let limits = ConnectionLimits {
        trusted_proxies: trusted_proxies.to_vec(),
        ..ConnectionLimits::default()
    };
    let settings = ProxySettings::default();
    let network = Network::new(AddressPolicy::new([Exception::Loopback]), &[]).expect("no roots");
    let proxy = Shared::new(catalogue, prices, ledger, Arc::clone(&clock), settings, network);
    Rooms {
        connections: Connections::new(limits, Arc::clone(&clock)),
        store,
        sessions,
        keys,
        key_hasher: KeyHasher::new(&master_key),
        vault,
        proxy: Arc::new(proxy),
        listed_prices: PriceCatalogue::embedded(),
        clock,
    }
}

fn serve(app: &web::Data<App>) -> (SocketAddr, ServerHandle, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (started, starting) = std::sync::mpsc::channel();
    let app = app.clone();
    let connections = Arc::clone(&app.connections);
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            actix_web::rt::spawn(Arc::clone(&connections).keep_watch());
            let server =
                HttpServer::new(move || actix_web::App::new().configure(|config| configure(config, &app)))
                    .workers(1)
                    .disable_signals()
                    .h1_allow_half_closed(false)
                    .on_connect(move |io, data| connections.on_connect(io, data))
                    .listen(listener)
                    .expect("a listener")
                    .run();
            started.send(server.handle()).expect("the test waits");
            server.await.expect("the server ends well");
        });
    });
    (address, starting.recv().expect("the server starts"), thread)
}
