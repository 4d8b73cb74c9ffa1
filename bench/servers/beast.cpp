// An echo of Boost.Beast: asynchronous, one thread. By default with the buffers and the timeouts that its examples have;
// with the argument `fast` without timeouts, and with a buffer that writes a message in one piece; with `deflate` it
// compresses where that is offered, at the level that the others have, and with its own defaults otherwise.

#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;
using beast::error_code;

class Session : public std::enable_shared_from_this<Session> {
  websocket::stream<beast::tcp_stream> socket;
  beast::flat_buffer buffer;

 public:
  Session(tcp::socket&& connection, const std::string& mode) : socket(std::move(connection)) {
    error_code ignored; // it may be gone already
    beast::get_lowest_layer(socket).socket().set_option(tcp::no_delay(true), ignored);
    socket.read_message_max(16 << 20);
    if (mode == "deflate") {
      websocket::permessage_deflate deflate;
      deflate.server_enable = true;
      deflate.compLevel = 6;
      socket.set_option(deflate);
    }
    if (mode == "fast") {
      socket.auto_fragment(false);
      socket.write_buffer_bytes(65536 + 16);
      buffer.reserve(65536 + 16);
    } else {
      socket.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    }
  }

  void accept() {
    socket.async_accept([self = shared_from_this()](error_code error) {
      if (!error) self->read();
    });
  }

 private:
  void read() {
    socket.async_read(buffer, [self = shared_from_this()](error_code error, std::size_t) {
      if (!error) self->write();
    });
  }

  void write() {
    socket.text(socket.got_text());
    socket.async_write(buffer.data(), [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return;
      self->buffer.consume(self->buffer.size());
      self->read();
    });
  }
};

void accept(tcp::acceptor& acceptor, const std::string& mode) {
  acceptor.async_accept([&acceptor, mode](error_code error, tcp::socket connection) {
    if (!error) std::make_shared<Session>(std::move(connection), mode)->accept();
    accept(acceptor, mode);
  });
}

int main(int count, char** values) {
  asio::io_context io(1);
  tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  acceptor.listen(4096);
  std::cout << "listening " << acceptor.local_endpoint().port() << std::endl;
  std::thread([] {
    while (std::cin.get() != EOF) {}
    std::_Exit(0); // whoever started it has ended
  }).detach();
  accept(acceptor, count > 1 ? values[1] : "");
  io.run();
}
