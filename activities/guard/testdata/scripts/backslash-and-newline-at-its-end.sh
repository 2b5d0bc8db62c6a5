echo one \
