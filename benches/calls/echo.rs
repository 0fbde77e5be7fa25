//! The limit that calls are measured by: a WebSocket server that sends back what it reads, made of
//! the crates that the daemon's is made of, and nothing else.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::Outcome;
use crate::machine::{self, DAEMON_CORE, GENERATOR_CORE, Process, Running};
use crate::socket::{Socket, begin_text};
use crate::stretch::Stretch;

/// The word on which this program is the server.
pub(crate) const WORD: &str = "echo";

const WARM_UP: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(3);
/// The daemon's sessions have no larger ones.
const READ_BUFFER: usize = 4096;

/// Serves until it is killed. Its address is its first line.
pub(crate) fn serve() -> Outcome<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(echo(stream));
        }
    })
}

async fn echo(stream: TcpStream) -> Outcome<()> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    while let Some(frame) = socket.next().await {
        socket.send(frame?).await?;
    }
    Ok(())
}

/// Frames of `bytes` that the server reads and writes in a second of its CPU time, each of `count`
/// clients having one under way.
pub(crate) fn frames_by_cpu(bytes: usize, count: usize) -> Outcome<f64> {
    let (server, address) = start()?;
    let mut frame = Vec::new();
    begin_text(&mut frame, bytes);
    frame.resize(frame.len() + bytes, b'x');
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let mut clients = Vec::with_capacity(count);
    for index in 0..count {
        let mut socket = Socket::open(address, "")?;
        let data = epoll::EventData::new_u64(index as u64);
        epoll::add(&epoll, socket.stop_waiting()?, data, epoll::EventFlags::IN)?;
        socket.unsent().extend_from_slice(&frame);
        socket.flush()?;
        clients.push(socket);
    }
    let mut scratch = vec![0; 64 * 1024];
    let mut run_for = |time: Duration| -> Outcome<usize> {
        let (start, mut echoes) = (Instant::now(), 0);
        let mut events: Vec<epoll::Event> = Vec::with_capacity(count);
        let wait = Timespec::try_from(Duration::from_millis(20))?;
        while start.elapsed() < time {
            events.clear();
            epoll::wait(&epoll, spare_capacity(&mut events), Some(&wait))?;
            for event in &events {
                let socket = &mut clients[usize::try_from(event.data.u64())?];
                let mut came = 0;
                socket.read(&mut scratch, |_| {
                    came += 1;
                    Ok(())
                })?;
                socket.unsent().extend(frame.repeat(came));
                socket.flush()?;
                echoes += came;
            }
        }
        Ok(echoes)
    };
    run_for(WARM_UP)?;
    let stretch = Stretch::begin(&Process::numbered(server.0.id()))?;
    let echoes = run_for(LONG)?;
    let cost = stretch.end()?;
    eprintln!("    echo: {:.0}/s, {}", cost.rate(echoes), cost.busy());
    Ok(2.0 * echoes as f64 / cost.daemon_cpu.as_secs_f64())
}

fn start() -> Outcome<(Running, SocketAddr)> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg(WORD)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    // A child begins where its parent is.
    machine::take_core(DAEMON_CORE)?;
    let spawned = command.spawn();
    machine::take_core(GENERATOR_CORE)?;
    let mut running = Running(spawned?);
    let output = running.0.stdout.take().ok_or("the echo has no output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    Ok((running, line.trim().parse()?))
}
