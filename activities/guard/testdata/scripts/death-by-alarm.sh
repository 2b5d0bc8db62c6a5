kill -ALRM $$
