//! The crowd: a closed loop, in which everybody answers as soon as the next tile is there, and an open one, in which
//! labels come at a given rate whether or not the server keeps up.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::client::Client;

/// What a run measured.
#[derive(Default)]
pub struct Run {
    /// How long each request took, rising; milliseconds.
    pub latencies: Vec<f64>,
    /// Length of the measured part, seconds.
    pub seconds: f64,
    /// Labels that were answered by anything but `stored`.
    pub other: u64,
}

/// Volunteers who have come in.
pub struct Crowd {
    clients: Vec<Client>,
}

impl Crowd {
    /// Lets so many guests come in.
    pub async fn gather(address: SocketAddr, count: usize) -> Result<Crowd, String> {
        let mut clients = Vec::with_capacity(count);
        for _ in 0..count {
            clients.push(Client::guest(address).await?);
        }
        Ok(Crowd { clients })
    }

    /// Everybody labels one tile after the other.
    pub async fn closed_loop(&mut self, warm_up: Duration, time: Duration) -> Result<Run, String> {
        let start = Instant::now();
        let (from, until) = (start + warm_up, start + warm_up + time);
        let mut tasks = JoinSet::new();
        for mut client in self.clients.drain(..) {
            tasks.spawn(async move {
                client.take().await?;
                let mut latencies = Vec::new();
                while Instant::now() < until {
                    let sent = Instant::now();
                    client.label().await?;
                    if sent >= from {
                        latencies.push(millis(sent));
                    }
                }
                Ok::<_, String>((client, latencies))
            });
        }
        self.collect(tasks, time).await
    }

    /// The first `count` of the crowd take a tile and give it back, again and again; only the taking is measured.
    pub async fn hand_out_loop(&mut self, count: usize, warm_up: Duration, time: Duration) -> Result<Run, String> {
        let start = Instant::now();
        let (from, until) = (start + warm_up, start + warm_up + time);
        let mut tasks = JoinSet::new();
        self.clients.truncate(count);
        for mut client in self.clients.drain(..) {
            tasks.spawn(async move {
                let mut latencies = Vec::new();
                while Instant::now() < until {
                    client.give_back().await?;
                    let sent = Instant::now();
                    client.take().await?;
                    if sent >= from {
                        latencies.push(millis(sent));
                    }
                }
                Ok::<_, String>((client, latencies))
            });
        }
        self.collect(tasks, time).await
    }

    /// Labels are due at an even rate; each is taken by whoever is free. Its time counts from when it was due.
    pub async fn open_loop(&mut self, rate: f64, warm_up: Duration, time: Duration) -> Result<Run, String> {
        // One after the other: hundreds who come in at the same moment are a storm of another kind.
        for client in &mut self.clients {
            client.take().await?;
        }
        let (due, queue) = mpsc::unbounded_channel::<Instant>();
        let queue = Arc::new(Mutex::new(queue));
        let start = Instant::now();
        let from = start + warm_up;
        let mut tasks = JoinSet::new();
        for mut client in self.clients.drain(..) {
            let queue = queue.clone();
            tasks.spawn(async move {
                let mut latencies = Vec::new();
                loop {
                    let Some(at) = queue.lock().await.recv().await else { break };
                    client.label().await?;
                    if at >= from {
                        latencies.push(millis(at));
                    }
                }
                Ok::<_, String>((client, latencies))
            });
        }
        let total = ((warm_up + time).as_secs_f64() * rate) as u64;
        for place in 0..total {
            let at = start + Duration::from_secs_f64(place as f64 / rate);
            tokio::time::sleep_until(at.into()).await;
            if due.send(at).is_err() {
                break;
            }
        }
        drop(due);
        self.collect(tasks, time).await
    }

    async fn collect(
        &mut self,
        mut tasks: JoinSet<Result<(Client, Vec<f64>), String>>,
        time: Duration,
    ) -> Result<Run, String> {
        let mut run = Run { seconds: time.as_secs_f64(), ..Run::default() };
        while let Some(ended) = tasks.join_next().await {
            let (client, latencies) = ended.map_err(|error| error.to_string())??;
            run.latencies.extend(latencies);
            run.other += client.other;
            self.clients.push(client);
        }
        run.latencies.sort_by(f64::total_cmp);
        Ok(run)
    }
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}
