// Boost.Beast, synchronous, a thread for each connection: client and server. The command line and the script are those
// of program.ts and script.ts. Boost is used by its headers only:
//
//   g++ -std=c++17 -O1 beast.cpp -o beast -lssl -lcrypto -lpthread

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ssl = asio::ssl;
namespace websocket = beast::websocket;
using boost::system::error_code;
using asio::ip::tcp;

constexpr auto watchdog = std::chrono::seconds(60);

/// Ends the process from whatever thread, whatever is still open.
[[noreturn]] void end(int code, const std::string& complaint = {}) {
  if (!complaint.empty()) std::cerr << complaint << std::endl;
  std::cout.flush();
  std::_Exit(code);
}

struct Message {
  bool is_text;
  std::string data;
};

std::vector<Message> script() {
  std::vector<Message> messages;
  for (std::size_t size : {0, 1, 125, 126, 127, 65'535, 65'536, 1'048'576}) {
    std::string data(size, '\0');
    for (std::size_t i = 0; i < size; i++) data[i] = static_cast<char>(i * 31 + size);
    messages.push_back({false, data});
  }
  for (int count : {0, 1, 100, 70'000}) {
    std::string data;
    while (count-- > 0) data += u8"grüße 👋 ";
    messages.push_back({true, data});
  }
  return messages;
}

/// The many messages of script.ts.
std::vector<Message> many() {
  std::uint32_t state = 1;
  auto next = [&state] {
    state = (state * 1103515245u + 12345u) & 0x7fffffffu;
    return state >> 16;
  };
  std::vector<std::string> words;
  for (int i = 0; i < 400; i++) {
    std::string word;
    for (auto length = 2 + next() % 8; length > 0; length--) word += static_cast<char>(97 + next() % 26);
    words.push_back(i % 7 == 0 ? word + u8"ß👋" : word);
  }
  std::vector<Message> messages;
  for (int i = 0; i < 1000; i++) {
    std::string data;
    if (i % 10 == 9) {
      for (auto length = next() % 600; length > 0; length--) data += static_cast<char>(next());
      messages.push_back({false, data});
      continue;
    }
    const bool is_long = next() % 8 == 0;
    for (auto count = next() % (is_long ? 1500 : 40); count > 0; count--) data += words[next() % words.size()] + " ";
    messages.push_back({i % 3 != 2, data});
  }
  return messages;
}

/// The settings of the command line: `[{"serverMaxWindowBits":9,…},…]`.
std::vector<websocket::permessage_deflate> settings(const std::string& json) {
  std::vector<websocket::permessage_deflate> all;
  const std::regex object(R"(\{([^}]*)\})"), pair(R"re("(\w+)":(\w+))re");
  for (std::sregex_iterator each(json.begin(), json.end(), object), last; each != last; ++each) {
    websocket::permessage_deflate deflate;
    deflate.server_enable = deflate.client_enable = true;
    const std::string members = (*each)[1];
    for (std::sregex_iterator member(members.begin(), members.end(), pair); member != last; ++member) {
      const std::string name = (*member)[1], value = (*member)[2];
      if (name == "serverMaxWindowBits") deflate.server_max_window_bits = std::stoi(value);
      if (name == "clientMaxWindowBits") deflate.client_max_window_bits = std::stoi(value);
      if (name == "serverNoContextTakeover") deflate.server_no_context_takeover = value == "true";
      if (name == "clientNoContextTakeover") deflate.client_no_context_takeover = value == "true";
    }
    all.push_back(deflate);
  }
  return all;
}

template <class Lower>
void echo(websocket::stream<Lower> socket, const std::optional<websocket::permessage_deflate>& deflate) {
  if (deflate) socket.set_option(*deflate);
  socket.accept();
  beast::flat_buffer buffer;
  for (;;) {
    error_code error;
    socket.read(buffer, error);
    if (error == websocket::error::closed) return;
    // Not every client says goodbye in TLS too, when it has in WebSocket
    if (error == ssl::error::stream_truncated && socket.reason()) return;
    if (error) throw beast::system_error(error);
    socket.text(socket.got_text());
    socket.write(buffer.data());
    buffer.clear();
  }
}

/// Ends the process when stdin does.
void watch_input() {
  std::thread([] {
    while (std::cin.ignore(4096)) {
    }
    end(0);
  }).detach();
}

void serve_on(tcp::acceptor& acceptor, ssl::context* tls, std::optional<websocket::permessage_deflate> deflate) {
  for (;;) {
    std::thread([tls, deflate, connection = acceptor.accept()]() mutable {
      try {
        connection.set_option(tcp::no_delay(true));
        if (!tls) return echo(websocket::stream<tcp::socket>(std::move(connection)), deflate);
        websocket::stream<ssl::stream<tcp::socket>> socket(std::move(connection), *tls);
        socket.next_layer().handshake(ssl::stream_base::server);
        echo(std::move(socket), deflate);
      } catch (const std::exception& error) {
        std::cerr << error.what() << std::endl;
      }
    }).detach();
  }
}

void serve(ssl::context* tls) {
  asio::io_context io;
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  std::cout << "listening " << acceptor.local_endpoint().port() << std::endl;
  watch_input();
  serve_on(acceptor, tls, std::nullopt);
}

void serve_compressed(const std::vector<websocket::permessage_deflate>& all) {
  asio::io_context io;
  std::vector<tcp::acceptor> acceptors;
  std::cout << "listening";
  for (std::size_t i = 0; i < all.size(); i++) {
    acceptors.emplace_back(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    std::cout << " " << acceptors.back().local_endpoint().port();
  }
  std::cout << std::endl;
  watch_input();
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < all.size(); i++) {
    threads.emplace_back([&acceptor = acceptors[i], deflate = all[i]] { serve_on(acceptor, nullptr, deflate); });
  }
  for (auto& thread : threads) thread.join();
}

template <class Lower>
void check(websocket::stream<Lower>& socket, const beast::flat_buffer& buffer, const Message& sent, int& count) {
  auto received = beast::buffers_to_string(buffer.data());
  count++;
  if (socket.got_text() == sent.is_text && received == sent.data) return;
  auto tell = [](bool is_text, const std::string& data) {
    return (is_text ? "text of " : "binary of ") + std::to_string(data.size()) + " bytes";
  };
  throw std::runtime_error("Echo " + std::to_string(count) + " differs: sent " + tell(sent.is_text, sent.data) +
                           ", got " + tell(socket.got_text(), received));
}

/// Sends all messages at once and checks the echoes that come meanwhile: synchronously, both ends would sooner or later
/// wait for the other one to read.
template <class Lower>
void burst(asio::io_context& io, websocket::stream<Lower>& socket, const std::vector<Message>& messages, int& count) {
  auto sending = messages.begin(), receiving = messages.begin();
  beast::flat_buffer buffer;
  std::function<void()> send = [&] {
    if (sending == messages.end()) return;
    socket.text(sending->is_text);
    socket.async_write(asio::buffer(sending->data), [&](error_code error, std::size_t) {
      if (error) throw beast::system_error(error);
      ++sending;
      send();
    });
  };
  std::function<void()> receive = [&] {
    if (receiving == messages.end()) return;
    socket.async_read(buffer, [&](error_code error, std::size_t) {
      if (error) throw beast::system_error(error);
      check(socket, buffer, *receiving++, count);
      buffer.clear();
      receive();
    });
  };
  send();
  receive();
  io.run();
}

template <class Lower>
void play(asio::io_context& io, websocket::stream<Lower>& socket, const std::string& host, const std::string& target) {
  socket.handshake(host, target);
  const auto messages = script();
  int count = 0;
  for (const auto& message : messages) {
    beast::flat_buffer buffer;
    socket.text(message.is_text);
    socket.write(asio::buffer(message.data));
    socket.read(buffer);
    check(socket, buffer, message, count);
  }
  burst(io, socket, messages, count);
  socket.close({websocket::close_code::normal, "done"});
  std::cout << "{\"messages\":" << count << ",\"closeCode\":" << socket.reason().code << "}" << std::endl;
}

void connect(const std::string& url, const std::optional<std::string>& ca) {
  std::smatch parts;
  if (!std::regex_match(url, parts, std::regex("(wss?)://(([^/:]+):([0-9]+))(/.*)?"))) {
    end(2, "Not a URL with the scheme ws or wss and a port: " + url);
  }
  const bool is_secure = parts[1] == "wss";
  const std::string host = parts[2], name = parts[3], port = parts[4], target = parts[5].matched ? parts[5].str() : "/";
  asio::io_context io;
  tcp::socket connection(io);
  asio::connect(connection, tcp::resolver(io).resolve(name, port));
  connection.set_option(tcp::no_delay(true));
  if (is_secure) {
    ssl::context tls(ssl::context::tls_client);
    if (ca) tls.load_verify_file(*ca);
    else tls.set_default_verify_paths();
    websocket::stream<ssl::stream<tcp::socket>> socket(std::move(connection), tls);
    socket.next_layer().set_verify_mode(ssl::verify_peer);
    socket.next_layer().set_verify_callback(ssl::host_name_verification(name));
    socket.next_layer().handshake(ssl::stream_base::client);
    play(io, socket, host, target);
  } else {
    websocket::stream<tcp::socket> socket(std::move(connection));
    play(io, socket, host, target);
  }
}

void connect_compressed(const std::string& url, const websocket::permessage_deflate& deflate) {
  std::smatch parts;
  if (!std::regex_match(url, parts, std::regex("ws://(([^/:]+):([0-9]+))/"))) end(2, "Not a URL with a port: " + url);
  const std::string host = parts[1], name = parts[2], port = parts[3];
  asio::io_context io;
  tcp::socket connection(io);
  asio::connect(connection, tcp::resolver(io).resolve(name, port));
  connection.set_option(tcp::no_delay(true));
  websocket::stream<tcp::socket> socket(std::move(connection));
  socket.set_option(deflate);
  websocket::response_type response;
  socket.handshake(response, host, "/");
  const auto messages = many();
  int count = 0;
  burst(io, socket, messages, count);
  socket.close({websocket::close_code::normal, "done"});
  std::cout << "{\"messages\":" << count << ",\"closeCode\":" << socket.reason().code << ",\"extensions\":\""
            << response[beast::http::field::sec_websocket_extensions] << "\"}" << std::endl;
}

int main(int count, char** values) {
  const std::vector<std::string> arguments(values + 1, values + count);
  const auto size = arguments.size();
  try {
    if (size == 1 && arguments[0] == "serve") serve(nullptr);
    if (size == 4 && arguments[0] == "serve" && arguments[1] == "--tls") {
      ssl::context tls(ssl::context::tls_server);
      tls.use_certificate_chain_file(arguments[2]);
      tls.use_private_key_file(arguments[3], ssl::context::pem);
      serve(&tls);
    }
    const bool is_compressed = size >= 3 && arguments[1] == "--deflate";
    const auto all = is_compressed ? settings(arguments[2]) : std::vector<websocket::permessage_deflate>();
    if (is_compressed && arguments[0] == "serve") serve_compressed(all);
    const bool is_plain = size == 2 || (size == 4 && arguments[2] == "--ca");
    if (size < 2 || arguments[0] != "connect" || !(is_compressed || is_plain)) {
      end(2, "Usage: serve [--tls CERT.pem KEY.pem | --deflate JSON] | connect URL [--ca CA.pem] | …");
    }
    std::thread([] {
      std::this_thread::sleep_for(watchdog);
      end(1, "Not done within " + std::to_string(watchdog.count()) + " s");
    }).detach();
    if (is_compressed) {
      for (std::size_t i = 3; i < size; i++) connect_compressed(arguments[i], all.at(i - 3));
      end(0);
    }
    connect(arguments[1], size == 4 ? std::optional(arguments[3]) : std::nullopt);
  } catch (const std::exception& error) {
    end(1, error.what());
  }
  end(0);
}
