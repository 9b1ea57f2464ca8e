//! A way to Postgres that counts: what each role asks, and how often it waits for an answer.

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    task::JoinSet,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The first message of a client that asks for encryption:
/// <https://www.postgresql.org/docs/current/protocol-message-formats.html>.
const SSL_REQUEST: [u8; 4] = 80_877_103_i32.to_be_bytes();
/// A longer message is none of this product's: the proxy has lost its place.
const MESSAGE_BYTES_MAX: usize = 1 << 24;

/// What one role asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Messages after which the client waited for Postgres.
    pub(crate) round_trips: u64,
    /// Statements that were carried out, `begin` and `commit` among them.
    pub(crate) statements: u64,
    /// Transactions that were committed by word; a statement outside of one commits as well and is not counted.
    pub(crate) commits: u64,
    /// Statements that were parsed and planned for later: few once the pools are warm.
    pub(crate) prepared: u64,
    /// How often each text was carried out.
    pub(crate) texts: HashMap<String, u64>,
}

impl Asked {
    /// What was asked since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let texts = self.texts.iter().map(|(text, &times)| {
            let times_before = before.texts.get(text).copied().unwrap_or(0);
            (text.clone(), times - times_before)
        });
        Self {
            round_trips: self.round_trips - before.round_trips,
            statements: self.statements - before.statements,
            commits: self.commits - before.commits,
            prepared: self.prepared - before.prepared,
            texts: texts.filter(|&(_, times)| times > 0).collect(),
        }
    }
}

type Counts = Arc<Mutex<HashMap<String, Asked>>>;

/// Listens on the loopback address and passes everything on to a Postgres behind a Unix socket.
#[derive(Debug)]
pub(crate) struct CountingProxy {
    /// Where it listens.
    pub(crate) port: u16,
    counts: Counts,
    _stop: DropGuard,
}

impl CountingProxy {
    /// In front of the Postgres whose socket is `socket`; until it is dropped.
    pub(crate) async fn start(socket: PathBuf) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let (counts, stop) = (Counts::default(), CancellationToken::new());
        let (counted, stopped) = (Arc::clone(&counts), stop.clone());
        tokio::spawn(async move {
            let mut sessions = JoinSet::new();
            loop {
                tokio::select! {
                    () = stopped.cancelled() => return,
                    Some(_ended) = sessions.join_next() => {}
                    // A client that cannot be accepted goes away; the measurement then fails by itself.
                    Ok((client, _)) = listener.accept() => {
                        sessions.spawn(session(client, socket.clone(), Arc::clone(&counted)));
                    }
                }
            }
        });
        Ok(Self { port, counts, _stop: stop.drop_guard() })
    }

    /// What `role` has asked so far.
    pub(crate) fn asked_by(&self, role: &str) -> Asked {
        locked(&self.counts).get(role).cloned().unwrap_or_default()
    }
}

fn locked(counts: &Mutex<HashMap<String, Asked>>) -> MutexGuard<'_, HashMap<String, Asked>> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One client's session, to its end.
async fn session(mut client: TcpStream, socket: PathBuf, counts: Counts) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut server = UnixStream::connect(socket).await?;
    let role = loop {
        let startup = untagged(&mut client).await?;
        if startup.get(4..8) == Some(&SSL_REQUEST[..]) {
            client.write_all(b"N").await?;
            continue;
        }
        server.write_all(&startup).await?;
        break role_of(&startup);
    };
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (client.split(), server.split());
    let asking = async {
        let mut prepared = HashMap::new();
        loop {
            let message = tagged(&mut from_client).await?;
            note_question(&message, locked(&counts).entry(role.clone()).or_default(), &mut prepared);
            to_server.write_all(&message).await?;
        }
    };
    let answering = async {
        loop {
            let message = tagged(&mut from_server).await?;
            note_answer(&message, locked(&counts).entry(role.clone()).or_default());
            to_client.write_all(&message).await?;
        }
    };
    tokio::select! { ended = asking => ended, ended = answering => ended }
}

/// A message without a type: length, then the rest.
async fn untagged(from: &mut (impl tokio::io::AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut message = vec![0_u8; 4];
    from.read_exact(&mut message).await?;
    rest_of(from, message, 0).await
}

/// A message with a type before its length.
async fn tagged(from: &mut (impl tokio::io::AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut message = vec![0_u8; 5];
    from.read_exact(&mut message).await?;
    rest_of(from, message, 1).await
}

async fn rest_of(
    from: &mut (impl tokio::io::AsyncRead + Unpin),
    mut message: Vec<u8>,
    length_at: usize,
) -> io::Result<Vec<u8>> {
    let length = message.get(length_at..length_at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    let whole = length.and_then(|length| usize::try_from(length).ok()).map_or(0, |length| length + length_at);
    if whole < message.len() || whole > MESSAGE_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let head = message.len();
    message.resize(whole, 0);
    from.read_exact(&mut message[head..]).await?;
    Ok(message)
}

/// The role in a start-up message: after length and version, names and values that each end in a zero.
fn role_of(startup: &[u8]) -> String {
    let mut words = startup.get(8..).unwrap_or_default().split(|&byte| byte == 0).map(String::from_utf8_lossy);
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        if name == "user" {
            return value.into_owned();
        }
    }
    String::new()
}

/// The zero-ended texts at the beginning of a message's content.
fn texts(message: &[u8]) -> impl Iterator<Item = String> {
    message.get(5..).unwrap_or_default().split(|&byte| byte == 0).map(|text| String::from_utf8_lossy(text).into_owned())
}

/// `Q` is a text carried out at once, `P` one that is prepared under a name, `B` one that is carried out under it, and
/// after `S` (as after `Q`) the client waits.
fn note_question(message: &[u8], asked: &mut Asked, prepared: &mut HashMap<String, String>) {
    match message.first() {
        Some(b'Q') => {
            asked.round_trips += 1;
            let text = without_ids(&texts(message).next().unwrap_or_default());
            *asked.texts.entry(text).or_default() += 1;
        }
        Some(b'S') => asked.round_trips += 1,
        Some(b'P') => {
            asked.prepared += 1;
            let mut texts = texts(message);
            if let (Some(name), Some(text)) = (texts.next(), texts.next()) {
                prepared.insert(name, one_line(&text));
            }
        }
        Some(b'B') => {
            if let Some(text) = texts(message).nth(1).and_then(|name| prepared.get(&name)) {
                *asked.texts.entry(text.clone()).or_default() += 1;
            }
        }
        _ => {}
    }
}

/// `C` ends a statement and names it.
fn note_answer(message: &[u8], asked: &mut Asked) {
    if message.first() == Some(&b'C') {
        asked.statements += 1;
        if texts(message).next().is_some_and(|tag| tag == "COMMIT") {
            asked.commits += 1;
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Quoted literals are left out, so that the same question of two tenants is one text.
fn without_ids(text: &str) -> String {
    one_line(text).split('\'').step_by(2).collect::<Vec<_>>().join("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len() + 4).unwrap();
        [&[kind][..], &length.to_be_bytes(), content].concat()
    }

    #[test]
    fn questions_are_counted_by_text_and_by_waiting() {
        let (mut asked, mut prepared) = (Asked::default(), HashMap::new());
        for question in [
            message(b'Q', b"begin; select set_config('nmc.tenant_id', 'one', true)\0"),
            message(b'Q', b"begin; select set_config('nmc.tenant_id', 'two', true)\0"),
            message(b'P', b"s1\0select  1\n from t\0\0\0"),
            message(b'S', b""),
            message(b'B', b"\0s1\0\0\0"),
            message(b'E', b"\0\0\0\0\0"),
            message(b'S', b""),
        ] {
            note_question(&question, &mut asked, &mut prepared);
        }
        for answer in [message(b'C', b"BEGIN\0"), message(b'C', b"COMMIT\0"), message(b'Z', b"I")] {
            note_answer(&answer, &mut asked);
        }
        assert_eq!((asked.round_trips, asked.prepared), (4, 1));
        assert_eq!((asked.statements, asked.commits), (2, 1));
        assert_eq!(asked.texts["select 1 from t"], 1);
        assert_eq!(asked.texts.values().copied().max(), Some(2), "{:?}", asked.texts);
        assert_eq!(asked.since(&asked), Asked::default());
    }

    #[test]
    fn the_role_is_read_from_the_start() {
        let startup = [&[0, 0, 0, 0, 0, 3, 0, 0][..], b"database\0x\0user\0nmc_app\0\0"].concat();
        assert_eq!(role_of(&startup), "nmc_app");
        assert_eq!(role_of(b""), "");
    }
}
