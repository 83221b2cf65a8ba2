use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, rt};
use gateway_api::DefaultCredentials;
use gateway_proxy::Engine;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{sleep, timeout};

use crate::Result;
use crate::alerts;
use crate::changes;
use crate::config::{Config, LogFormat, Profile, ServerSettings};
use crate::listen::Listeners;
use crate::rests;
use crate::retention;
use crate::tls;
use crate::welcome::Welcome;
use crate::wiring::House;

/// How long a client may go on sending what nobody reads, once it has its answer.
const LINGER: Duration = Duration::from_secs(5);

/// How long the last usage may take to be written.
const LEDGER_DEADLINE: Duration = Duration::from_secs(10);
/// How long it may take to write down how many refusals were only counted.
const REPEATS_DEADLINE: Duration = Duration::from_secs(3);
/// How long the database may take nothing of the usage of before, until the server opens without it.
const LEDGER_PATIENCE: Duration = Duration::from_secs(5);

/// Serves until a signal, then lets what is under way finish.
pub(crate) async fn run(mut config: Config, profile: &Profile, files: Vec<String>) -> Result<()> {
    let mut stop = StopSignal::listen()?;
    raise_file_limit();
    // First of all, since it is what most often fails, and fails at once.
    let listeners = Listeners::bind(&config.server).await?;
    config.api.default_credentials = if config.users.allow_default_credentials {
        DefaultCredentials::Allowed
    } else if profile.is_production() || !listeners.are_loopback() {
        DefaultCredentials::ToBeChanged
    } else {
        DefaultCredentials::OnThisMachine
    };
    let settings = config.server.clone();
    let tls = tls::config(&settings)?;
    let mut welcome = Welcome {
        url: listeners.url(if tls.is_some() { "https" } else { "http" }),
        listening: listeners.addresses.clone(),
        profile: profile.to_string(),
        database: crate::config::without_password(&config.store.url),
        files,
        default_accounts: Vec::new(),
        default_credentials: config.api.default_credentials,
    };
    let format = config.log.format;
    let alerts = config.alerts.clone();
    let keep_usage_days = config.store.keep_usage_days;

    let mut house = House::open(config, profile).await?;
    let revisions = house.store.revisions();
    let known = *revisions.borrow();
    house.app.reload_accounts().await?;
    house.app.reload_prices().await?;
    rests::resume(&house.app).await?;
    rt::spawn(changes::follow(house.app.clone(), revisions, known));
    rt::spawn(rests::follow(house.app.clone()));
    let prober = Engine::new(house.app.proxy.clone());
    rt::spawn(async move { prober.keep_probing().await });
    alerts::start(&house.app, &alerts, house.webhook.take()).await?;

    tokio::select! {
        () = catch_up(&house) => {}
        () = stop.received() => return close(&house).await,
    }
    // Usage whose row is already deleted would be counted again if it were written again.
    rt::spawn(retention::follow(house.app.clone(), keep_usage_days));
    rt::spawn(Arc::clone(&house.app.connections).keep_watch());
    let app = house.app.clone();
    rt::spawn(async move { app.keep_noting_repeats().await });
    let handle = serve(listeners, tls.as_ref(), &settings, &house)?;
    house.app.readiness.open();
    welcome.default_accounts.clone_from(&house.default_accounts);
    match format {
        LogFormat::Text => println!("{welcome}"),
        LogFormat::Json => welcome.log(),
    }

    stop.received().await;
    drain(&handle, &settings, &house).await;
    close(&house).await
}

/// Writes what is left to be written, and lets go of everything.
async fn close(house: &House) -> Result<()> {
    house.ledger.close(LEDGER_DEADLINE).await?;
    if timeout(REPEATS_DEADLINE, house.app.note_last_repeats())
        .await
        .is_err()
    {
        tracing::warn!("how many refusals were only counted is not in the audit log");
    }
    house.store.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Waits until what an earlier process left is in the books.
async fn catch_up(house: &House) {
    if let Err(left) = house.ledger.catch_up(LEDGER_PATIENCE).await {
        tracing::warn!(
            requests = left.rows,
            "the database does not take what an earlier process left: until it does, requests whose keys have budgets are refused"
        );
    }
}

/// Takes as many open files as the system grants: a stream needs two, and many systems begin with 1024.
fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

fn serve(
    listeners: Listeners,
    tls: Option<&rustls::ServerConfig>,
    settings: &ServerSettings,
    house: &House,
) -> Result<ServerHandle> {
    let workers = match settings.workers {
        0 => thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let app = house.app.clone();
    let connections = Arc::clone(&app.connections);
    let longest_kept = settings.keep_alive_seconds.max(settings.proxy_keep_alive_seconds);
    let mut server =
        HttpServer::new(move || App::new().configure(|config| gateway_api::configure(config, &app)))
            .workers(workers)
            .max_connections(settings.max_connections.div_ceil(workers).max(1))
            .client_request_timeout(Duration::from_secs(settings.head_timeout_seconds))
            // As long as any may be kept; which is kept for how long, the watch over connections knows.
            .keep_alive(Duration::from_secs(longest_kept))
            // For the rest of a body that was refused: cut off sooner, its client would find no answer but a reset.
            .client_disconnect_timeout(LINGER)
            .on_connect(move |io, data| connections.on_connect(io, data))
            // Otherwise a client that went away during a silent stream is not noticed.
            .h1_allow_half_closed(false)
            .tcp_nodelay(true)
            .shutdown_timeout(settings.shutdown_timeout_seconds)
            .disable_signals();
    for socket in listeners.sockets {
        server = match tls {
            None => server.listen(socket)?,
            Some(tls) => server.listen_rustls_0_23(socket, tls.clone())?,
        };
    }
    let server = server.run();
    let handle = server.handle();
    rt::spawn(server);
    Ok(handle)
}

/// Sends load balancers elsewhere, closes the port and waits for open requests; a second signal cuts it short.
async fn drain(handle: &ServerHandle, settings: &ServerSettings, house: &House) {
    house.app.readiness.drain();
    tracing::info!(
        seconds = settings.shutdown_timeout_seconds,
        "stopping: open requests may finish"
    );
    let graceful = async {
        sleep(Duration::from_secs(settings.shutdown_delay_seconds)).await;
        handle.stop(true).await;
    };
    tokio::select! {
        () = graceful => {}
        () = second_signal() => {
            tracing::warn!("stopping at once: open requests are cut off");
            // A worker that hangs must not keep the usage of the others from being written.
            let _ = timeout(Duration::from_secs(5), handle.stop(false)).await;
        }
    }
}

/// One that is meant as another one: terminals and supervisors send the first to several processes, which pass it on.
async fn second_signal() {
    sleep(Duration::from_secs(1)).await;
    match StopSignal::listen() {
        Ok(mut stop) => stop.received().await,
        Err(_) => std::future::pending().await,
    }
}

/// Somebody wants the process to end.
struct StopSignal {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignal {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
