//! A connection that does not wait for ever: it fails where the client lets a deadline pass, in either direction.
//!
//! actix limits the head of a connection's first request and its idle time. Heads of later requests and readers that do
//! not read it would wait for without an end.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::deadlines::{Deadlines, Flow, Watch};
use super::line::Line;
use super::presence::Place;

/// Most bytes of answers that the kernel keeps for one connection: it says that there is room again when a third of
/// this was read, which even a slow line must do in time.
const SEND_BUFFER: usize = 32 * 1024;

/// A connection under watch.
pub struct Stream {
    line: Line,
    watch: Rc<Watch>,
    deadlines: Deadlines,
    reading: Alarm,
    writing: Alarm,
    /// What flowed out since the client let us wait for the first time.
    blocked: Option<Flow>,
    _place: Option<Place>,
}

impl Stream {
    /// Takes over an accepted connection, with its place among those of its address.
    pub(crate) fn new(line: Line, deadlines: Deadlines, place: Option<Place>) -> Stream {
        // Where the system refuses them, the connection works all the same.
        let tcp = line.tcp();
        let _ = tcp.set_nodelay(true);
        let _ = socket2::SockRef::from(tcp).set_send_buffer_size(SEND_BUFFER);
        let watch = Rc::new(Watch::new(Instant::now()));
        Stream {
            line,
            watch,
            deadlines,
            reading: Alarm::default(),
            writing: Alarm::default(),
            blocked: None,
            _place: place,
        }
    }

    /// What is seen of this connection.
    pub fn watch(&self) -> Rc<Watch> {
        self.watch.clone()
    }

    /// Ends the connection at once: what the client did not read is thrown away.
    fn too_slow(&self) -> io::Error {
        let _ = self.line.tcp().set_zero_linger();
        io::Error::new(io::ErrorKind::TimedOut, "the client is too slow")
    }

    /// Whether the client, for which we wait, takes too long to read.
    fn reads_too_slowly(&mut self, cx: &mut Context<'_>) -> bool {
        let flow = self.blocked.get_or_insert_with(|| Flow::start(Instant::now()));
        while self.writing.rings(flow.end(&self.deadlines), cx) {
            if !flow.goes_on(Instant::now()) {
                return true;
            }
        }
        false
    }

    fn after_write(&mut self, written: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => {
                self.watch.bytes_went(Instant::now());
                self.blocked.iter_mut().for_each(|flow| flow.add(*bytes));
            }
            Poll::Pending if self.reads_too_slowly(cx) => return Poll::Ready(Err(self.too_slow())),
            _ => {}
        }
        written
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.line).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.watch.bytes_came(Instant::now());
        }
        if read.is_pending()
            && let Some(due) = self.watch.due(&self.deadlines)
            && self.reading.rings(due, cx)
        {
            return Poll::Ready(Err(self.too_slow()));
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.line).poll_write(cx, bytes);
        self.after_write(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.line).poll_write_vectored(cx, bytes);
        self.after_write(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.line.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Flushed is what was written as a whole: nobody waits for the client any more.
        self.blocked = None;
        Pin::new(&mut self.line).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_shutdown(cx)
    }
}

/// A timer that is made when it is first needed.
#[derive(Default)]
pub struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Whether that time has come; if not, the task is woken then.
    pub fn rings(&mut self, at: Instant, cx: &mut Context<'_>) -> bool {
        if at <= Instant::now() {
            return true;
        }
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx).is_ready()
    }
}
