"""What emoji and emoticons say, in every language: a small list of our own, from -3 to 3."""

from __future__ import annotations

__all__ = ["SIGNS"]

_BY_VALUE = {
    3: ("😍 🥰 😘 ❤ ♥ 💕 💖 💗 💙 💚 💛 💜 🧡 🤍 💞 💓 💝 💘 🤩 🎉 🥳 🏆 🙌 <3 :D =D xD :-D"),
    2: (
        "😀 😃 😄 😁 😆 😊 ☺ 😇 🤗 👏 👍 💪 🔥 🚀 ✨ ⭐ 🌟 💯 👌 "
        "😎 🙏 😻 🎊 🍾 🥂 🤝 😋 🫶 🤠 :) :-) =) :] (: ^^ ^_^ :* )) :3"
    ),
    1: ("😂 🤣 🙂 😉 😜 😝 😛 😏 😌 🌹 🌸 💐 ☀ 🎶 ✅ 💎 ;) ;-) :P :p ;D"),
    -1: ("😅 🙄 😐 😑 😬 😕 😶 🤔 🤨 😳 😓 😪 😴 🤷 ⚠ :/ :-/ :\\ :| -_-"),
    -2: (
        "😞 😔 😟 🙁 ☹ 😣 😖 😫 😩 😢 😥 😰 😨 😱 👎 😒 😤 🥺 "
        "😿 🤦 💀 🤡 🐍 🗑 ❌ 🚩 📉 :( :-( =( :[ ;( :'( ;_; T_T (("
    ),
    -3: ("😭 😡 😠 🤬 🤮 🤢 💔 🖕 💩 ☠ </3"),
}
SIGNS = {sign: value for value, signs in _BY_VALUE.items() for sign in signs.split()}
