use std::collections::HashMap;
use std::env;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Makes a database on the server that the tests were given; its URL.
pub(crate) fn create_on_server() -> String {
    let server = server_url();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let name = format!(
        "binary_{}",
        gateway_domain::RequestId::random().as_uuid().simple()
    );
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&server, tokio_postgres::NoTls)
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        let create = format!("CREATE DATABASE {name}");
        client.batch_execute(&create).await.unwrap();
        drop(client);
        let _ = connection.await;
    });
    let (host, _) = server.rsplit_once('/').unwrap();
    format!("{host}/{name}")
}

/// Every row of every table, as text.
pub(crate) fn dump(url: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
        let mut text = String::new();
        for table in client.query(tables, &[]).await.unwrap() {
            let table: String = table.get(0);
            let rows = format!("SELECT row_to_json(held)::text FROM \"{table}\" AS held");
            for row in client.query(&rows, &[]).await.unwrap() {
                text.push_str(row.get(0));
                text.push('\n');
            }
        }
        drop(client);
        let _ = connection.await;
        text
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "who runs the tests says where PostgreSQL is"
)]
fn server_url() -> String {
    env::var("TEST_DATABASE_URL").expect("`cargo xtask test` starts a PostgreSQL and says where it is")
}

/// A door before a database: while it is shut, the database is away.
pub(crate) struct Door {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    is_shut: bool,
    /// Both ends of what goes through.
    open: HashMap<u64, [TcpStream; 2]>,
    passed: u64,
}

impl Door {
    /// Before the server of this URL, and the URL that leads through it.
    pub(crate) fn before(url: &str) -> (Self, String) {
        let (user, rest) = url.split_once('@').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let door = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let (state, server) = (Arc::clone(&door.state), server.to_owned());
        // It ends with the tests.
        thread::spawn(move || {
            for client in listener.incoming() {
                // Whoever comes in vain is sent away with that.
                let _ = client.and_then(|client| let_in(&state, client, &server));
            }
        });
        let url = format!("{user}@{}/{database}", door.address);
        (door, url)
    }

    /// Cuts everything, and lets nothing in.
    pub(crate) fn shut(&self) {
        let mut state = self.state.lock().unwrap();
        state.is_shut = true;
        for stream in state.open.drain().flat_map(|(_, ends)| ends) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn open(&self) {
        self.state.lock().unwrap().is_shut = false;
    }
}

fn let_in(state: &Arc<Mutex<State>>, client: TcpStream, server: &str) -> io::Result<()> {
    let mut held = state.lock().unwrap();
    if held.is_shut {
        return Ok(());
    }
    let server = TcpStream::connect(server)?;
    held.passed += 1;
    let number = held.passed;
    held.open
        .insert(number, [client.try_clone()?, server.try_clone()?]);
    for (mut from, mut to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
        let state = Arc::clone(state);
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            for stream in [from, to] {
                let _ = stream.shutdown(Shutdown::Both);
            }
            state.lock().unwrap().open.remove(&number);
        });
    }
    Ok(())
}
