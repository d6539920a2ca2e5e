//! Somebody with an address, a browser, a name, an e-mail address and a password that nobody else has; and their browser.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::sync::Mutex;

use reqwest::Method;
use reqwest::header::SET_COOKIE;
use serde_json::Value;

use crate::app_codes::{code, step_now};

/// A person before the server.
pub struct Person {
    pub name: String,
    pub email: String,
    pub agent: String,
    pub address: Ipv6Addr,
    pub password: String,
    pub has_account: bool,
    /// All that the server gave them to prove who they are.
    pub secrets: Mutex<Vec<String>>,
    /// The second factor, where they have one.
    pub factor: Mutex<Option<Factor>>,
    cookies: Mutex<BTreeMap<String, String>>,
    http: reqwest::Client,
    url: String,
}

/// What the app on their telephone knows.
pub struct Factor {
    pub secret: String,
    last_step: i64,
}

/// An answer.
pub struct Reply {
    pub status: u16,
    pub text: String,
    pub bytes: Vec<u8>,
}

impl Reply {
    /// What a request that went well was told.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text);
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl Person {
    /// Somebody new, before the server at that address.
    pub fn new(url: &str, has_account: bool) -> Person {
        let mark = |what: &str| format!("canary{what}{:016x}", rand::random::<u64>());
        let tail = u128::from(rand::random::<u64>());
        Person {
            name: mark("name"),
            email: format!("{}@example.org", mark("mail")),
            agent: format!("Browser/7 ({})", mark("agent")),
            // Of the range for documentation.
            address: Ipv6Addr::from((0x2001_0db8 << 96) | (tail << 16) | 0x1f2f),
            password: format!("{} long enough", mark("secret")),
            has_account,
            secrets: Mutex::default(),
            factor: Mutex::default(),
            cookies: Mutex::default(),
            http: reqwest::Client::builder().no_proxy().build().expect("a client"),
            url: url.to_owned(),
        }
    }

    /// Gives their app a secret.
    pub fn knows(&self, secret: &str) {
        *self.factor.lock().unwrap() = Some(Factor { secret: secret.to_owned(), last_step: 0 });
    }

    /// The next code of the app that was not used: waits for it where need be.
    pub fn code(&self) -> String {
        let mut factor = self.factor.lock().unwrap();
        let factor = factor.as_mut().expect("a second factor");
        // The server takes the code of the next half minute too.
        while factor.last_step > step_now() {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        factor.last_step = step_now().max(factor.last_step + 1);
        code(&factor.secret, factor.last_step)
    }

    /// What they write wherever there is room for words.
    pub fn words(&self) -> String {
        format!("Write to {} about my aunt's house", self.email)
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[], vec![]).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, &[("content-type", "application/json")], body.to_string().into()).await
    }

    pub async fn delete(&self, path: &str, body: Option<Value>) -> Reply {
        let body = body.unwrap_or_default().to_string();
        self.send(Method::DELETE, path, &[("content-type", "application/json")], body.into()).await
    }

    /// Sends a request through a proxy that the server trusts, with all that a browser tells.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        request = request.header("x-forwarded-for", self.address.to_string()).header("user-agent", &self.agent);
        request =
            request.header("accept-language", "uk").header("referer", format!("https://example.org/{}", self.email));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let cookies: Vec<String> = {
            let kept = self.cookies.lock().unwrap();
            kept.iter().map(|(name, value)| format!("{name}={value}")).collect()
        };
        let reply = request.header("cookie", cookies.join("; ")).body(body).send().await.expect("an answer");
        self.keep_cookies(&reply);
        let status = reply.status().as_u16();
        let bytes = reply.bytes().await.expect("a body").to_vec();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        self.keep_secrets(&text);
        Reply { status, text, bytes }
    }

    fn keep_cookies(&self, reply: &reqwest::Response) {
        for cookie in reply.headers().get_all(SET_COOKIE) {
            let text = cookie.to_str().expect("a cookie");
            let (name, rest) = text.split_once('=').expect("a cookie");
            let value = rest.split(';').next().unwrap_or_default();
            self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
            self.secrets.lock().unwrap().extend((!value.is_empty()).then(|| value.to_owned()));
        }
    }

    fn keep_secrets(&self, text: &str) {
        let told: Value = serde_json::from_str(text).unwrap_or_default();
        for key in ["token", "recovery_code", "secret"] {
            self.secrets.lock().unwrap().extend(told[key].as_str().map(str::to_owned));
        }
    }
}
