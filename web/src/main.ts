// The start of the page: styles, the language, the app.
import { mount } from 'svelte'
import App from './App.svelte'
import './design/tokens.css'
import './design/base.css'
import { language } from './language.svelte'
import { registerWorker } from './offline/register'

const target = document.getElementById('app')
const show = () => {
  if (!target) throw new Error('index.html has no place for the app')
  mount(App, { target })
}
void language.start().then(show).then(registerWorker)
