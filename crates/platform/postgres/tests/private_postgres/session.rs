use std::error::Error;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nmc_postgres::PrivatePostgres;

/// Asks the server one thing over its socket and returns the last value of the answer: the least that is needed of
/// Postgres's protocol, <https://www.postgresql.org/docs/current/protocol-message-formats.html>, because `psql` does not
/// come with every distribution of the server.
pub(crate) fn ask(server: &PrivatePostgres, role: &str, sql: &str) -> Result<String, Box<dyn Error>> {
    let mut stream = UnixStream::connect(server.socket_dir().join(".s.PGSQL.5432"))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut startup = 196_608_u32.to_be_bytes().to_vec();
    startup.extend_from_slice(format!("user\0{role}\0database\0postgres\0\0").as_bytes());
    send(&mut stream, &startup)?;
    let mut sent = false;
    let mut answer = String::new();
    let mut refusal = None;
    loop {
        let (kind, body) = receive(&mut stream)?;
        match kind {
            b'Z' if sent => return refusal.map_or(Ok(answer), Err),
            b'Z' => {
                sent = true;
                stream.write_all(b"Q")?;
                send(&mut stream, format!("{sql}\0").as_bytes())?;
            }
            // Number of columns, then length and bytes of the first.
            b'D' => answer = String::from_utf8(body.get(6..).unwrap_or_default().to_vec())?,
            b'E' => {
                let fields = String::from_utf8_lossy(&body).replace('\0', " ");
                if !sent {
                    return Err(fields.into());
                }
                refusal = Some(fields.into());
            }
            _ => {}
        }
    }
}

fn send(stream: &mut UnixStream, body: &[u8]) -> Result<(), Box<dyn Error>> {
    stream.write_all(&u32::try_from(body.len() + 4)?.to_be_bytes())?;
    stream.write_all(body)?;
    Ok(())
}

fn receive(stream: &mut UnixStream) -> Result<(u8, Vec<u8>), Box<dyn Error>> {
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let [kind, length @ ..] = head;
    let mut body = vec![0; usize::try_from(u32::from_be_bytes(length))?.saturating_sub(4)];
    stream.read_exact(&mut body)?;
    Ok((kind, body))
}
