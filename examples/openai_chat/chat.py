"""Chat with a model through the openai package: `python chat.py "Hello"`."""

import os
import sys
from argparse import ArgumentParser

try:
    import openai

    import vendo
    from vendo.testing import LocalVendo
except ModuleNotFoundError as error:
    sys.exit(f"The package {error.name} is not installed.\nFix: pip install -e ../.. openai")


def new_client() -> openai.OpenAI:
    """Return a client that sends the current key with each request."""
    auth = vendo.httpx_auth("openai", override=True)
    return openai.OpenAI(api_key="unused", http_client=openai.DefaultHttpxClient(auth=auth))


def chat(client: openai.OpenAI, model: str, message: str) -> None:
    """Send a message, and print the response while it arrives."""
    print(f"You:   {message}\nModel: ", end="", flush=True)
    for event in client.responses.create(model=model, input=message, stream=True):
        if event.type == "response.output_text.delta":
            print(event.delta, end="", flush=True)
    print("\n")


def main() -> None:
    """Chat with OpenAI, or with a fake OpenAI if no key is configured."""
    parser = ArgumentParser(description="Send a message to a model, and print its response.")
    parser.add_argument("message", nargs="?", default="Hello", help="default: Hello")
    parser.add_argument("--model", default="gpt-5.5", help="default: gpt-5.5")
    options = parser.parse_args()
    if vendo.is_vendo_mode() or vendo.token("openai", default=None):
        vendo.token("openai")  # if it is not connected, the error says what to do
        with new_client() as client:
            chat(client, options.model, options.message)
        return
    print("No key is configured, so this uses a local Vendo and a fake OpenAI.\n")
    with LocalVendo(["openai"]) as server:
        os.environ.update(server.environment("openai"), no_proxy="127.0.0.1")
        with new_client() as client:
            chat(client, options.model, options.message)
            key = server.rotate("openai")
            print(f"Vendo rotates the key: it ends in {key[-4:]} now. The client stays the same.\n")
            chat(client, options.model, options.message)


if __name__ == "__main__":
    try:
        main()
    except (vendo.VendoError, openai.OpenAIError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        print("\nStopped.")
