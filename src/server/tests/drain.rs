//! Stopping.

use super::*;

#[tokio::test]
async fn what_is_being_answered_is_answered_and_no_more_is_taken() {
    let server = Fixture::start(short());
    let mut idle = server.connect().await;
    let mut busy = server.connect().await;
    busy.write_all(get("brief", "/scim/v2/Users").as_bytes())
        .await
        .unwrap();
    idle.write_all(get("ok", "/scim/v2/Users").as_bytes())
        .await
        .unwrap();
    Reply::read(&mut idle).await;
    while server.begun() < 2 {
        sleep(Duration::from_millis(5)).await;
    }
    let (address, deeds) = (server.address(), server.deeds.clone());
    let stopped = tokio::spawn(server.running.stop());
    let reply = Reply::read(&mut busy).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("connection"), Some("close"));
    time_to_close(&mut idle).await;
    timeout(Duration::from_secs(3), stopped)
        .await
        .expect("stops soon")
        .unwrap();
    assert_eq!(deeds.ended.load(Ordering::SeqCst), 2);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_write_without_its_client_is_waited_for() {
    let server = Fixture::start(Limits {
        request: Duration::from_secs(5),
        ..short()
    });
    let mut stream = server.connect().await;
    stream
        .write_all(post("slow", USER).as_bytes())
        .await
        .unwrap();
    while server.begun() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    drop(stream);
    let deeds = server.deeds.clone();
    server.running.stop().await;
    assert_eq!(deeds.ended.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn stopping_has_an_end() {
    let drain = Duration::from_millis(300);
    let server = Fixture::start(Limits {
        drain,
        request: Duration::from_secs(60),
        ..short()
    });
    let mut stream = server.connect().await;
    stream
        .write_all(get("for-ever", "/scim/v2/Users").as_bytes())
        .await
        .unwrap();
    while server.begun() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    timeout(Duration::from_secs(3), server.running.stop())
        .await
        .expect("stops soon");
}

#[tokio::test]
async fn who_comes_while_it_says_farewell_is_served_and_nobody_is_reset() {
    let server = Fixture::start(Limits {
        farewell: Duration::from_secs(3),
        ..short()
    });
    let address = server.address();
    let request = get("ok", "/scim/v2/Users");
    let mut kept = server.connect().await;
    kept.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(Reply::read(&mut kept).await.header("connection"), None);
    let stopped = tokio::spawn(server.running.stop());
    for _ in 0..5 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(Reply::read(&mut stream).await.status, 200);
    }
    kept.write_all(request.as_bytes()).await.unwrap();
    let reply = Reply::read(&mut kept).await;
    assert_eq!(
        (reply.status, reply.header("connection")),
        (200, Some("close"))
    );
    while TcpStream::connect(address).await.is_ok() {
        sleep(Duration::from_millis(20)).await;
    }
    stopped.await.unwrap();
}

#[tokio::test]
async fn the_address_is_free_while_what_is_under_way_ends() {
    let server = Fixture::start(Limits {
        request: Duration::from_secs(5),
        ..short()
    });
    let address = server.address();
    let mut busy = server.connect().await;
    busy.write_all(get("slow", "/scim/v2/Users").as_bytes())
        .await
        .unwrap();
    while server.begun() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    let stopped = tokio::spawn(server.running.stop());
    while TcpStream::connect(address).await.is_ok() {
        sleep(Duration::from_millis(5)).await;
    }
    assert!(!stopped.is_finished());
    assert_eq!(Reply::read(&mut busy).await.status, 200);
    stopped.await.unwrap();
}
