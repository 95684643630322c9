//! Happy eyeballs (RFC 8305 in short form): addresses of both families race, each a little later than the one before,
//! so that a black-holed IPv6 route costs a quarter of a second and not the whole connect timeout.

use std::{future::Future, io, net::SocketAddr, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};

/// The head start of each address over the next (RFC 8305 §5 recommends 250 ms).
pub const HEAD_START: Duration = Duration::from_millis(250);

/// Alternates the families, beginning with the resolver's first choice, and drops duplicates.
pub fn interleave(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, other): (Vec<_>, Vec<_>) = addresses
        .iter()
        .copied()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut ordered = Vec::with_capacity(addresses.len());
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    loop {
        let pair = [preferred.next(), other.next()];
        if pair.iter().all(Option::is_none) {
            return ordered;
        }
        for address in pair.into_iter().flatten() {
            if !ordered.contains(&address) {
                ordered.push(address);
            }
        }
    }
}

/// Opens the addresses in order, each [`HEAD_START`] after the one before or at once when one fails; the first to
/// succeed wins and the others are dropped. The error is that of the last attempt to fail.
pub async fn first_to_connect<T, F>(
    addresses: &[SocketAddr],
    mut open: impl FnMut(SocketAddr) -> F,
) -> Result<T, (SocketAddr, io::Error)>
where
    F: Future<Output = io::Result<T>>,
{
    let mut running = FuturesUnordered::new();
    let mut launch = |address: SocketAddr| {
        let attempt = open(address);
        async move { attempt.await.map_err(|error| (address, error)) }
    };
    let mut last_error = None;
    for address in addresses.iter().copied() {
        running.push(launch(address));
        let head_start = tokio::time::sleep(HEAD_START);
        tokio::pin!(head_start);
        tokio::select! {
            Some(outcome) = running.next() => match outcome {
                Ok(connection) => return Ok(connection),
                Err(error) => last_error = Some(error),
            },
            () = &mut head_start => {}
        }
    }
    while let Some(outcome) = running.next().await {
        match outcome {
            Ok(connection) => return Ok(connection),
            Err(error) => last_error = Some(error),
        }
    }
    Err(last_error.unwrap_or_else(|| {
        (
            SocketAddr::from(([0, 0, 0, 0], 0)),
            io::Error::new(io::ErrorKind::NotFound, "no address"),
        )
    }))
}
