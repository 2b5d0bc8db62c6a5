echo grüße 世界 🚀
x=ÿ€ß; echo $x ${#x}
