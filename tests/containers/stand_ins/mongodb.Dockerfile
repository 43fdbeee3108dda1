# Filled in by tests/containers/servers.py.
FROM BASE
RUN python -m venv /server && /server/bin/python -m pip install --quiet --no-cache-dir PACKAGES \
    && install --directory --owner=999 --group=999 /data/db /data/configdb
ENV PATH=/server/bin:/usr/local/bin:/usr/bin:/bin
CMD ["python", "-P", "-c", "import logging, sys; from nx_27017.nx_27017 import main; logging.disable(logging.INFO); sys.exit(main())", "--data-dir", "/data/db", "--host", "0.0.0.0", "--port", "27017", "--pid-file", "/tmp/nx.pid", "--journal-mode", "WAL", "--log-file", "/dev/null"]
