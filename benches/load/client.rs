//! One client: a kept-alive connection that writes prepared HTTP/1.1 requests and reads only what it needs.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A volunteer's connection with its cookie, and the tile in hand.
pub struct Client {
    stream: TcpStream,
    cookie: String,
    buffer: Vec<u8>,
    lease: Option<String>,
    /// Labels answered by anything but `stored`.
    pub other: u64,
}

impl Client {
    /// Comes in as a guest.
    pub async fn guest(address: SocketAddr) -> Result<Client, String> {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let mut client =
            Client { stream, cookie: String::new(), buffer: Vec::with_capacity(8192), lease: None, other: 0 };
        let head = client.send("POST /api/v1/guests HTTP/1.1\r\nhost: load\r\ncontent-length: 0\r\n\r\n").await?;
        let text = client.text();
        let cookie = text.split("aftermap_access=").nth(1).and_then(|rest| rest.split(';').next());
        client.cookie = cookie.ok_or_else(|| format!("no cookie for a guest: {head} {text}"))?.to_owned();
        Ok(client)
    }

    /// Answers the tile in hand; the next one comes with the reply. Asks for one where there is none.
    pub async fn label(&mut self) -> Result<(), String> {
        let Some(lease) = self.lease.take() else { return self.take().await };
        // Seven of ten places are undamaged; the answer hangs on the lease, so that a run is like the next.
        let answer = match lease.as_bytes().last() {
            Some(b'0'..=b'6') => "no_visible_damage",
            Some(b'7' | b'8') => "damaged",
            _ => "destroyed",
        };
        let id = uuid::Uuid::now_v7();
        let body = format!(r#"[{{"id":"{id}","lease_id":"{lease}","answer":"{answer}","seconds":3.5}}]"#);
        let status = self.post("/api/v1/labels", &body).await?;
        if status != 200 {
            return Err(format!("a label was answered {status}: {}", self.text()));
        }
        if !self.text().contains(r#""status":"stored""#) {
            self.other += 1;
        }
        self.keep_lease();
        Ok(())
    }

    /// Asks for one tile.
    pub async fn take(&mut self) -> Result<(), String> {
        let status = self.post("/api/v1/campaigns/load/leases", r#"{"count":1}"#).await?;
        if status != 200 {
            return Err(format!("a question for tiles was answered {status}: {}", self.text()));
        }
        self.keep_lease();
        match self.lease {
            Some(_) => Ok(()),
            None => Err("no tiles are left: the run is too long for so few".into()),
        }
    }

    /// Gives the tile in hand back.
    pub async fn give_back(&mut self) -> Result<(), String> {
        let Some(lease) = self.lease.take() else { return Ok(()) };
        let request = format!(
            "DELETE /api/v1/leases/{lease} HTTP/1.1\r\nhost: load\r\ncookie: aftermap_access={}\r\n\r\n",
            self.cookie
        );
        match self.send(&request).await? {
            204 => Ok(()),
            status => Err(format!("giving back was answered {status}: {}", self.text())),
        }
    }

    async fn post(&mut self, path: &str, body: &str) -> Result<u16, String> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: load\r\ncontent-type: application/json\r\ncookie: aftermap_access={}\r\n\
             content-length: {}\r\n\r\n{body}",
            self.cookie,
            body.len()
        );
        self.send(&request).await
    }

    /// Sends a request, reads the whole reply and returns its status.
    async fn send(&mut self, request: &str) -> Result<u16, String> {
        self.stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
        self.buffer.clear();
        let mut whole = None;
        while whole.is_none_or(|length| self.buffer.len() < length) {
            let read = self.stream.read_buf(&mut self.buffer).await.map_err(|error| error.to_string())?;
            if read == 0 {
                return Err(format!("the server closed the connection: {}", self.text()));
            }
            whole = whole.or_else(|| length_of(&self.buffer));
        }
        let status = self.buffer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
        status.and_then(|digits| digits.parse().ok()).ok_or_else(|| "no HTTP reply".into())
    }

    fn keep_lease(&mut self) {
        let text = self.text();
        let after = text.split(r#""lease_id":""#).nth(1).and_then(|rest| rest.split('"').next());
        self.lease = after.map(str::to_owned);
    }

    fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.buffer)
    }
}

/// The length of the whole reply, once its head is there.
fn length_of(reply: &[u8]) -> Option<usize> {
    let head = reply.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&reply[..head]).ok()?;
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    Some(head + length.and_then(|length| length.trim().parse::<usize>().ok()).unwrap_or(0))
}
